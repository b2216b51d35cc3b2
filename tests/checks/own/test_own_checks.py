"""Checks and limits of the user's own: from files, from entry points, from `[tool.assay]`."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from assay.checks.own import CheckError, load_checks
from assay.checks.registry import CHECKS, FAMILIES, defined_in, discover
from assay.configured import configured_checks
from assay.diagnosis import diagnose
from assay.launch.errors import LaunchError
from assay.launch.settings import read_settings
from assay.report import make_report
from assay.testing import make_run

OWN = '''
from assay.checks.base import Check, Limit


class LossTooHigh(Check):
    """The loss ended above a number of our own."""

    name = "loss-too-high"
    family = "loss"
    severity = "{severity}"
    tier = "{tier}"
    status = "{status}"
    reads = ("loss",)
    limits = {{"loss": Limit(5.0, "1", "our product")}}

    def review(self, run):
        for training in run.trainings:
            if training.series("loss").last > self.limit("loss"):
                yield self.found("the loss was too high", "we want it low")
'''


def write(path: Path, *, severity: str = "error", tier: str = "exact", status: str = "stable"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(OWN.format(severity=severity, tier=tier, status=status))
    return path


def test_every_file_of_a_family_is_found_in_the_order_of_families() -> None:
    families = [check.family for check in CHECKS]
    assert families == sorted(families, key=FAMILIES.index)
    assert {check.name for check in discover()} == {check.name for check in CHECKS}


def test_a_module_without_a_check_is_refused() -> None:
    import assay.checks.finding as no_check

    with pytest.raises(TypeError, match="must define one check"):
        defined_in(no_check)


def test_a_check_of_ones_own_is_run_beside_the_others(tmp_path: Path) -> None:
    checks = load_checks([write(tmp_path / "mine.py")])
    assert len(checks) == len(CHECKS) + 1
    found = diagnose(make_run(loss=[9.0, 9.0]), checks[-1:]).findings
    assert [(f.check, f.severity) for f in found] == [("loss-too-high", "error")]
    assert not diagnose(make_run(loss=[4.0]), checks[-1:]).findings


def test_a_folder_of_checks_and_the_same_file_twice(tmp_path: Path) -> None:
    file = write(tmp_path / "own" / "mine.py")
    assert len(load_checks([tmp_path / "own", file])) == len(CHECKS) + 1


def test_limits_are_replaced_for_this_run_alone(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.py")
    changed = load_checks([file], {"loss-too-high": {"loss": 10.0}})[-1]
    assert changed.limit("loss") == 10.0
    assert "[tool.assay.limits]" in changed.limits["loss"].source
    assert not diagnose(make_run(loss=[9.0]), [changed]).findings
    assert load_checks([file])[-1].limit("loss") == 5.0


@pytest.mark.parametrize(
    ("files", "limits", "says"),
    [
        (["nowhere.py"], {}, "there is no such file"),
        (["empty.py"], {}, "defines no check"),
        (["broken.py"], {}, "ZeroDivisionError"),
        (["leaves.py"], {}, "SystemExit"),
        (["heuristic.py"], {}, "can't be an error"),
        (["misspelt.py"], {}, "severity of loss-too-high is error, warning or note"),
        ([], {"dead-unit": {"share": 1}}, "did you mean dead-units"),
        ([], {"zero-grad-missing": {"sample": 1}}, "did you mean samples"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(
    tmp_path: Path, files: list[str], limits: dict[str, dict[str, float]], says: str
) -> None:
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "leaves.py").write_text("raise SystemExit(3)\n")
    write(tmp_path / "heuristic.py", tier="heuristic")
    write(tmp_path / "misspelt.py", severity="fatal")
    with pytest.raises(CheckError) as caught:
        load_checks([tmp_path / name for name in files], limits)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        OWN.format(severity="note", tier="exact", status="stable").replace(
            "loss-too-high", "loss-detached"
        )
    )
    with pytest.raises(CheckError, match="two checks are called loss-detached"):
        load_checks([tmp_path / "mine.py"])


def test_checks_of_installed_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "their_package.py")
    monkeypatch.syspath_prepend(tmp_path)
    entry = importlib.metadata.EntryPoint("their", "their_package:LossTooHigh", "assay.checks")
    monkeypatch.setattr("assay.checks.own.entry_points", lambda group: [entry])
    assert load_checks()[-1].name == "loss-too-high"
    lost = importlib.metadata.EntryPoint("lost", "no_such_package", "assay.checks")
    monkeypatch.setattr("assay.checks.own.entry_points", lambda group: [lost])
    with pytest.raises(CheckError, match="entry point lost"):
        load_checks()


def test_settings_name_checks_and_limits(tmp_path: Path) -> None:
    write(tmp_path / "checks" / "mine.py")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.assay]\nchecks = ["checks"]\n[tool.assay.limits.loss-too-high]\nloss = 2\n'
    )
    (tmp_path / "deep").mkdir()
    checks = configured_checks(read_settings(tmp_path / "deep"))
    assert checks[-1].limit("loss") == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('checks = "mine.py"', "checks must be a list of paths"),
        ("limits = 3", "limits must be a table"),
        ('limits.dead-units.share = "half"', "limits must be a table of numbers"),
        ('checks = ["gone.py"]', "gone.py: there is no such file"),
        ("limits.nothing.x = 1", "no check is called 'nothing'"),
    ],
)
def test_impossible_settings(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.assay]\n{text}\n")
    with pytest.raises(LaunchError) as caught:
        configured_checks(read_settings(tmp_path))
    assert says in str(caught.value)
    assert "pyproject.toml" in str(caught.value)


def test_a_check_in_preview_is_shown_and_fails_nothing(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.py", status="preview")
    report = make_report(make_run(loss=[9.0]), load_checks([file])[-1:])
    assert [(f.severity, f.preview) for f in report.findings] == [("warning", True)]
    assert not report.fails("warning")
    assert report.as_dict()["findings"][0]["preview"] is True


def test_fix_tries_nothing_for_a_check_in_preview(tmp_path: Path) -> None:
    from assay.trials.remedies import remedies

    file = write(tmp_path / "mine.py", status="preview")
    file.write_text(
        OWN.format(severity="warning", tier="exact", status="preview")
        .replace(
            "import Check, Limit", "import Check, Limit\nfrom assay.checks.finding import Remedy"
        )
        .replace('"we want it low")', '"we want it low", tricks=(Remedy("lr", "x0.1"),))')
    )
    run = make_run(loss=[9.0])
    diagnosis = diagnose(run, load_checks([file])[-1:])
    assert diagnosis.findings
    assert remedies(run, diagnosis) == []


def test_a_trial_reviews_its_runs_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`fix` and `try` find what a check of the user's own finds."""
    from assay.trials.child import Command
    from assay.trials.experiment import Experiment
    from assay.trials.plan import Budget
    from assay.trials.store import Store

    write(tmp_path / "mine.py")
    (tmp_path / "pyproject.toml").write_text('[tool.assay]\nchecks = ["mine.py"]\n')
    (tmp_path / "train.py").write_text("import torch\n")
    monkeypatch.chdir(tmp_path)
    command = Command(("train.py",), checks=configured_checks())
    trial = Experiment(command, Store(tmp_path / "trials"), Budget(), "train").trial
    assert trial.checks[-1].name == "loss-too-high"
