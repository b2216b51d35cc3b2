"""A point without a number says why, and the script's own faults are held against none."""

from __future__ import annotations

import math

import pytest

from assay.trials.metric import TRAINING, Measured
from assay.trials.result import Result
from assay.tuning.outcome import outcome
from assay.tuning.terms import Terms


def run(value: float | None = 1.0, state: str = "done", why: str = "", *broken: str) -> Result:
    measured = Measured({} if value is None else {TRAINING: value})
    return Result(state, 10, 1.0, measured, why=why, broken=broken)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (run(0.5), ((0.5,), "")),
        (run(math.inf), (None, "diverged: the training loss is not finite at the end")),
        (run(None), (None, "no training loss was seen")),
        (run(0.5, "failed", "ended with status 1"), (None, "ended with status 1")),
        (run(0.5, "done", "", "zero-grad-missing"), ((0.5,), "")),
        (run(0.5, "done", "", "eval-mode-left"), (None, "exact finding: eval-mode-left")),
    ],
)
def test_outcome(result: Result, expected: tuple[tuple[float, ...] | None, str]) -> None:
    control = run(1.0, "done", "", "zero-grad-missing")
    terms = Terms.of([control], TRAINING, None, None, 1)
    assert outcome([result], terms) == expected
