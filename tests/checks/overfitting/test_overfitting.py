"""The check `overfitting` at its limits, on invented runs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from assay.checks.base import Check
from assay.checks.finding import Finding
from assay.checks.generalisation.overfitting import Overfitting
from assay.diagnosis import Diagnosis
from assay.journal.view import Evaluation, RunView
from assay.testing import make_run
from assay.trials.remedies import remedies

NAN = float("nan")


def only(check: Check, run: RunView) -> Finding:
    (finding,) = check.review(run)
    assert finding.severity == "note"
    return finding


def silent(check: Check, run: RunView) -> bool:
    return check.why_skipped(run) is None and not list(check.review(run))


def tried(finding: Finding, run: RunView) -> list[str]:
    return [c.name for tier in remedies(run, Diagnosis((finding,), ())) for c in tier]


def evaluated(losses: Sequence[float], training: Sequence[float] = ()) -> RunView:
    view = make_run(loss=training or [1.0 - 0.009 * step for step in range(100)])
    step = 100 // len(losses)
    for i, loss in enumerate(losses):
        phase = Evaluation((i + 1) * step - 1, "cross_entropy", loss, None, 100)
        view.trainings[0].add_evaluation(phase)
    return view


RISING = [1.0, 0.6, 0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1]


def test_a_held_out_loss_that_rises_again() -> None:
    run = evaluated(RISING)
    finding = only(Overfitting(), run)
    assert "rose from 0.5 at step 29 (evaluation 3 of 10) to 1.1" in finding.summary
    assert finding.steps == (29, 99)
    assert tried(finding, run) == ["early-stop=2", "dropout=0.5", "weight-decay=0.1"]


def test_at_the_limit_it_is_silent_and_just_above_it_is_not() -> None:
    at = [1.0, 0.6, 0.5, 0.52, 0.54, 0.56, 0.57, 0.58, 0.59]
    assert silent(Overfitting(), evaluated([*at, 0.6]))
    assert only(Overfitting(), evaluated([*at, 0.601]))


@pytest.mark.parametrize(
    "losses",
    [
        [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.45, 0.4, 0.38, 0.36],
        # noise about a level
        [1.0, 0.5, 0.42, 0.45, 0.41, 0.47, 0.43, 0.46, 0.42, 0.45],
        # it rose at the very end: one evaluation may be chance
        [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.45, 0.4, 0.38, 0.9],
        [-1.0, -2.0, -1.5, -1.0, -0.5, -0.4, -0.3, -0.2],
        [1.0, 0.5, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN],
    ],
)
def test_a_held_out_loss_that_is_well(losses: list[float]) -> None:
    assert silent(Overfitting(), evaluated(losses))


def test_a_training_loss_that_rises_too_is_another_illness() -> None:
    assert silent(Overfitting(), evaluated(RISING, [0.1 + 0.01 * step for step in range(100)]))
    assert silent(Overfitting(), evaluated(RISING, [1.0] * 100))


def test_too_few_evaluations_are_said_to_be_too_few() -> None:
    said = Overfitting().why_skipped(make_run(loss=[1.0] * 9))
    assert said == "no loss was computed with gradients off"
    why = Overfitting().why_skipped(evaluated([1.0, 0.5, 1.5]))
    assert why == "3 of the 6 evaluations that it needs"
