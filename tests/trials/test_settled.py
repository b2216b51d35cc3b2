"""What an experiment says of causes: invented verdicts, and two scripts with a broken invariant."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.diagnosis import Diagnosis
from assay.report.page.trials import trial_context
from assay.report.settled import lead
from assay.report.verdicts import render_trial
from assay.trials.plan import candidate_of
from assay.trials.settled import revise, settle, table
from assay.trials.trial import Trial
from assay.trials.verdict import best_first, judge
from assay.tricks.reading import read_all

from .conftest import result

Assay = Callable[..., "subprocess.CompletedProcess[str]"]
SCRIPTS = Path(__file__).parent / "scripts"


def finding(check: str, by: Sequence[str] = (), **facts: Any) -> Finding:
    made = Finding(check, "model", "error", "exact", "it was seen", "it matters", **facts)
    return made.as_symptom(tuple(by)) if by else made


def make_trial(
    folder: Path, findings: Sequence[Finding], remedies: Mapping[str, tuple[str, Sequence[str]]]
) -> Trial:
    """Makes a trial: for each remedy the finding that it is for, and what is found with it."""
    trial = Trial("id", folder, ("train.py",))
    names = [f.check for f in findings]
    places = {f.check: n for n, f in enumerate(findings)}
    explained = {places[f.check]: tuple(places[by] for by in f.explained_by)
                 for f in findings if f.explained_by}  # fmt: skip
    trial.diagnosis = Diagnosis(tuple(findings), (), explained=explained)
    trial.results["control"] = {s: result(loss=2 + s / 10, findings=names) for s in range(3)}
    for words, (check, left) in remedies.items():
        candidate = candidate_of(read_all([words]), (check,))
        runs = {s: result(loss=0.2 + s / 100, findings=left) for s in range(3)}
        trial.results[candidate.name] = runs
        trial.candidates.append(candidate)
        trial.verdicts.append(judge(candidate, trial.control, runs, wanted=3))
    trial.verdicts = best_first(trial.verdicts)
    trial.settled = settle(trial)
    return trial


def test_what_goes_with_the_remedy_of_another_is_its_symptom(tmp_path: Path) -> None:
    found = [finding("rate"), finding("loss", ["rate"]), finding("mode")]
    tried = {"lr=x0.1": ("rate", ["mode"]), "train-mode": ("mode", [])}
    trial = make_trial(tmp_path, found, tried)
    settled = trial.settled
    assert settled is not None
    assert (settled.causes, settled.remedy) == (("mode",), "train-mode")
    assert (settled.explains, settled.left) == (("rate", "loss"), ())
    assert settled.differs == (
        "rate stood first", "rate stood there as a cause of its own", "loss was laid to rate",
    )  # fmt: skip
    assert [(row.finding, dict(row.states)) for row in table(trial)] == [
        ("rate", {"train-mode": "gone", "lr=x0.1": "gone"}),
        ("loss", {"train-mode": "gone", "lr=x0.1": "gone"}),
        ("mode", {"train-mode": "gone", "lr=x0.1": "still there"}),
    ]
    assert trial.diagnosis is not None
    revised = revise(trial.diagnosis, settled)
    assert [(f.check, f.role, f.explained_by) for f in revised.findings] == [
        ("mode", "cause", ()), ("rate", "symptom", ("mode",)), ("loss", "symptom", ("mode",)),
    ]  # fmt: skip
    assert revised.roots(1) == revised.roots(2) == (0,)
    shown = trial_context(trial)
    assert shown["lead"]["head"] == "Settled by experiment: mode is the cause."
    assert shown["lead"]["differs"].startswith("Check had said otherwise: rate stood first")
    assert shown["table"]["remedies"] == ["train-mode", "lr=x0.1"]
    cells = shown["table"]["rows"][2]["cells"]
    assert [cell["said"] for cell in cells] == ["gone", "still there"]
    text = render_trial(trial)
    assert "✓ settled by experiment: mode is the cause" in text
    assert "with train-mode alone it is gone, and so are rate and loss" in text
    assert "check had said otherwise: rate stood first" in text
    assert "· helps too" in text


def test_how_a_training_ends_is_not_called_a_cause(tmp_path: Path) -> None:
    for check, says in (
        ("loss-not-finite", "loss-not-finite is mended by lr=x0.1"),
        ("learning-rate-too-high", "learning-rate-too-high is the cause"),
    ):
        said = lead(make_trial(tmp_path, [finding(check)], {"lr=x0.1": (check, [])}))
        assert said is not None
        assert said.head == f"settled by experiment: {says}"


def test_what_check_had_said_and_the_experiment_bears_out(tmp_path: Path) -> None:
    found = [finding("mode"), finding("rate", ["mode"]), finding("other")]
    trial = make_trial(tmp_path, found[:2], {"train-mode": ("mode", [])})
    assert trial.settled is not None
    assert (trial.settled.explains, trial.settled.differs) == (("rate",), ())


def test_a_symptom_cured_under_a_standing_cause_settles_nothing(tmp_path: Path) -> None:
    found = [finding("cause"), finding("rate", ["cause"])]
    trial = make_trial(tmp_path, found, {"lr=x0.1": ("rate", ["cause?"])})
    assert trial.settled is None
    said = lead(trial)
    assert said is not None
    assert (said.settled, said.head) == (False, "not settled: cause stands: no trick mends it")


def test_a_fault_that_is_mended_and_did_no_harm_is_not_said_to_stand(tmp_path: Path) -> None:
    trial = make_trial(tmp_path, [finding("mode")], {"train-mode": ("mode", [])})
    (mode,) = trial.candidates
    trial.results[mode.name] = {s: result(loss=2 + s / 10) for s in range(3)}
    trial.verdicts = [judge(mode, trial.control, trial.results[mode.name], wanted=3)]
    trial.settled = settle(trial)
    said = lead(trial)
    assert said is not None
    assert said.head == "not settled: mode goes with train-mode, no effect: below 2 %"


def test_a_trial_of_ones_own_tricks_says_nothing_of_causes(tmp_path: Path) -> None:
    trial = make_trial(tmp_path, [], {})
    assert settle(trial) is None
    assert lead(trial) is None


def test_what_a_mended_invariant_uncovers_is_not_held_against_it(tmp_path: Path) -> None:
    trial = make_trial(tmp_path, [finding("mode")], {"train-mode": ("mode", ["burst?"])})
    (verdict,) = trial.verdicts
    assert (verdict.outcome, verdict.why) == (
        "refused", "better than the control, but it brings burst",
    )  # fmt: skip
    control = {s: replace(r, broken=("mode",)) for s, r in trial.control.items()}
    treated = trial.results["train-mode"]
    said = judge(verdict.candidate, control, treated, wanted=3)
    assert (said.outcome, said.recommended) == ("proved", True)
    assert (said.reverse.born, said.reverse.brought) == (("burst",), ())
    both = candidate_of(read_all(["train-mode+clip-norm=1"]), ("mode", "burst"))
    trial.results |= {"control": control, both.name: {s: result(loss=0.1) for s in range(3)}}
    trial.verdicts = [judge(both, control, trial.results[both.name], wanted=3)]
    trial.settled = settle(trial)
    assert trial.settled is not None
    assert (trial.settled.causes, trial.settled.uncovered) == (("mode",), ("burst",))
    head = lead(trial)
    assert head is not None
    assert head.head.endswith("mode is the cause, and burst shows once it is mended")
    errors = {s: result(loss=0.2, findings=["burst"]) for s in range(3)}
    assert judge(verdict.candidate, control, errors, wanted=3).outcome == "refused"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_model_left_in_evaluation_mode_is_the_cause_and_not_the_rate(
    assay: Assay, tmp_path: Path
) -> None:
    """Treating the rate alone trains too, and leaves the fault standing."""
    script = SCRIPTS / "left_in_eval.py"
    done = assay("fix", "--json", "report.json", str(script), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["verdicts"][0]["candidate"] == "train-mode"
    assert report["verdicts"][0]["verdict"] == "proved"
    assert len(report["verdicts"]) == 1, "its own remedy is tried alone, and is enough"
    settled = report["trial"]["settled"]
    assert settled["causes"] == ["eval-mode-in-training"]
    assert report["findings"][0]["check"] == "eval-mode-in-training"
    rows = {row["finding"]: row["remedies"] for row in report["trial"]["table"]}
    assert rows["eval-mode-in-training"] == {"train-mode": "gone"}
    assert settled["explains"]
    assert "settled by experiment: eval-mode-in-training is the cause" in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_is_proved_over_gradients_of_a_scaled_loss(assay: Assay, tmp_path: Path) -> None:
    """Clipping makes such a run finite; what it writes into the file would be a second fault."""
    script = SCRIPTS / "scaled_and_stepped.py"
    words = ["--with", "clip-norm=1.0", "--write", "--json", "report.json"]
    before = script.read_bytes()
    done = assay("try", *words, str(script), cwd=tmp_path)
    report = json.loads((tmp_path / "report.json").read_text())
    (clip,) = report["verdicts"]
    assert "scaler-bypassed" in {*clip["findings"]["left"], *clip["findings"]["hidden"]}
    assert clip["verdict"] in ("helps too", "refused", "undecided", "no effect")
    assert script.read_bytes() == before
    assert done.returncode == 1
    assert "nothing was proved, so nothing is written" in done.stderr
