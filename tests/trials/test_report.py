"""What a person is shown of a trial."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from assay.checks.finding import Finding, Remedy
from assay.cli.trying import as_dict, usual_jobs
from assay.diagnosis import Diagnosis
from assay.report.curves import draw
from assay.report.progress import Progress
from assay.report.verdicts import in_words, render_trial
from assay.trials.metric import Measured
from assay.trials.plan import CONTROL, PLACEBO, Job, candidate_of
from assay.trials.result import Result
from assay.trials.trial import Trial
from assay.trials.verdict import judge
from assay.tricks.reading import read_all

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "report.schema.json"
CLIP = replace(
    candidate_of(read_all(["clip-norm=1"])), checks=("exploding-gradient",), why="90 % were below 1"
)


def run(start: float, end: float, *findings: str) -> Result:
    curve = tuple((step, start + (end - start) * step / 99) for step in range(100))
    measured = Measured({"training loss": end}, {"training loss": curve})
    found = tuple((check, "error") for check in findings)
    return Result("done", 100, 2.0, measured, found, folder="runs/one")


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    control = {seed: run(2.0, 1.9 + seed / 50, "exploding-gradient") for seed in range(3)}
    treated = {seed: run(2.0, 0.2 + seed / 100) for seed in range(3)}
    made = Trial("id", tmp_path, ("train.py", "--lr", "1"))
    made.results = {"control": control, CLIP.name: treated, "placebo": control}
    made.candidates = [CLIP, PLACEBO]
    made.verdicts = [
        judge(CLIP, control, treated, wanted=3), judge(PLACEBO, control, control, wanted=3),
    ]  # fmt: skip
    made.runs, made.seconds = 9, 12.4
    return made


def test_the_verdicts_of_a_trial(trial: Trial) -> None:
    text = render_trial(trial)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    row = next(line for line in lines if line.startswith("clip-norm=1.0 "))
    assert "✓ proved" in row
    assert "−89 %" in row
    assert "−90 % to −88 %" in row
    assert any("placebo" in line and "no effect" in line and " 0 % " in line for line in lines)
    assert "training loss 1.92 → 0.21" in text
    assert "gone       exploding-gradient" in text
    assert "value      90 % were below 1" in text
    assert "assay run --with clip-norm=1.0 train.py --lr 1" in text
    assert "finding out took 9 runs, 12 s" in text
    assert any(0x2800 < ord(char) < 0x2900 for char in text)


@pytest.mark.parametrize("width", [50, 72, 100])
def test_it_fits_into_narrow_terminals(trial: Trial, width: int) -> None:
    assert max(map(len, render_trial(trial, width=width).splitlines())) <= width


def test_ascii_where_nothing_else_can_be_shown(trial: Trial) -> None:
    from assay.report.glyphs import ASCII

    text = render_trial(trial, glyphs=ASCII)
    assert text.isascii()
    assert "*" in text


def test_a_trial_that_was_cut_short_says_so(trial: Trial) -> None:
    trial.interrupted, trial.verdicts = "interrupted", []
    assert "interrupted: what follows is known so far" in render_trial(trial)
    trial.interrupted, trial.trouble = "", "no training step was seen"
    assert "nothing to compare: no training step was seen" in render_trial(trial)


def test_effects_without_numbers(trial: Trial) -> None:
    dead = {seed: run(2.0, math.inf) for seed in range(3)}
    alive = trial.results[CLIP.name]
    trial.results["control"] = dead
    trial.verdicts = [judge(CLIP, dead, alive, wanted=3)]
    text = render_trial(trial)
    assert "to finite" in text
    assert "not finite → 0.21" in text


def test_json_is_a_report_of_schema_1(trial: Trial) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    report = json.loads(json.dumps(as_dict(trial), allow_nan=False))
    jsonschema.validate(report, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert report["verdicts"][0]["verdict"] == "proved"
    assert report["verdicts"][0]["findings"]["gone"] == ["exploding-gradient"]
    assert report["trial"]["cost"]["runs"] == 9
    assert report["trial"]["table"] == [
        {"finding": "exploding-gradient", "remedies": {"clip-norm=1.0": "gone"}}
    ]
    report["verdicts"][0]["verdict"] = "perhaps"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report, json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_curves_go_from_top_to_bottom_and_name_their_ends() -> None:
    down, flat = [(0, 4.0), (10, 1.0)], [(0, 4.0), (10, 4.0)]
    rows = [line.plain for line in draw([flat], [down], width=11, height=4, plain=True)]
    assert rows[0].startswith("4 *")
    assert rows[0].endswith(".")
    assert rows[3].startswith("1 ")
    assert rows[3].endswith("*")
    assert rows[4].split() == ["step", "0", "10"]


@pytest.mark.parametrize(
    ("control", "treated"), [([], []), ([[(0, 1.0)]], []), ([[(0, math.nan)]], [[(0, 1.0)]])]
)
def test_no_curve_without_two_sides(
    control: list[list[tuple[int, float]]], treated: list[list[tuple[int, float]]]
) -> None:
    assert draw(control, treated) == []


def test_a_curve_of_one_value_is_drawn() -> None:
    assert len(draw([[(3, 1.0)]], [[(3, 1.0)]], height=3)) == 4


def test_progress_without_a_terminal_is_a_line_a_run() -> None:
    said = io.StringIO()
    with Progress(said) as progress:
        progress.work([], 3)
        progress.ended(Job(CONTROL, 0), run(2.0, 1.5))
        progress.ended(Job(CLIP, 0), replace(run(2.0, 0.5), resumed=True))
        progress.retried(Job(CLIP, 1), replace(run(2.0, 0.5), state="killed", why="killed by X"))
    assert said.getvalue().splitlines() == [
        "assay: control · seed 0: training loss 1.5 after 100 steps, 2 s",
        "assay: clip-norm=1.0 · seed 0: training loss 0.5 after 100 steps, known from before",
        "assay: clip-norm=1.0 · seed 1: killed by X; it is tried once more",
    ]


def test_jobs_by_cores() -> None:
    assert 1 <= usual_jobs(1) <= 1
    assert usual_jobs(64) <= 4


def test_a_run_that_came_to_nothing_is_not_called_infinite() -> None:
    """Its metric counts as infinite, whatever the loss was: it may have been NaN."""
    out = io.StringIO()
    nothing = Result("done", 400, 2.0, Measured({"training loss": math.inf}))
    with Progress(out) as progress:
        progress.ended(Job(CLIP, 0), nothing)
    assert "training loss not finite after 400 steps" in out.getvalue()


def test_a_noise_that_is_not_finite_is_not_told(trial: Trial) -> None:
    effects = [(v, v.effect) for v in trial.verdicts if v.effect]
    trial.verdicts = [replace(v, effect=replace(e, floor=-math.inf)) for v, e in effects]
    assert "the seeds alone" not in render_trial(trial)
    assert "inf" not in render_trial(trial)


@pytest.mark.parametrize(
    ("tried", "says"), [("lr=x100", "a rate of 0.01 instead of 0.0001"), ("lr=x1000", "lr=x1000: ")]
)
def test_the_advice_is_that_of_the_value_that_was_tried(
    tried: str, says: str, trial: Trial
) -> None:
    finding = Finding(
        "learning-rate-too-low", "optimizer", "warning", "probe", "it was seen", "it matters",
        try_=("a rate of 0.01 instead of 0.0001",),
        tricks=(Remedy("lr", "x100"), Remedy("lr", "x10"), Remedy("lr", "x1000")),
    )  # fmt: skip
    trial.diagnosis = Diagnosis((finding,), ())
    candidate = replace(candidate_of(read_all([tried])), checks=("learning-rate-too-low",))
    (words,) = in_words(candidate, trial)
    assert words.startswith(says)
