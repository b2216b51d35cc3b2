"""Unit tests of `rate-rises-again`, on invented runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.schedule.rate_rises_again import RateRisesAgain
from assay.journal.schedulers import Scheduler
from assay.journal.series import Series
from assay.journal.view import BuiltOptimizer, RunView, Site
from assay.testing import make_run, make_training

CHECK = RateRisesAgain()
LINE = Site("train.py", 9)


def cosine(epochs: int, period: int) -> list[float]:
    return [0.05 * (1 + math.cos(math.pi * i / period)) for i in range(epochs)]


def run(rates: Sequence[float], of: str = "", **facts: Any) -> RunView:
    series = {10 * i: rate for i, rate in enumerate(rates)}
    training = make_training(learning_rate={"group 0": series}, steps=10 * len(rates))
    training.built = 0
    made = make_run(training, facts={"exit_code": 0})
    made.optimizers.append(BuiltOptimizer(0, "SGD", training=0))
    if of:
        counts = Series([(training.steps, len(rates))])
        made.schedulers.append(Scheduler(of, facts, LINE, of=of, optimizer=0, counts=counts))
    return made


def found(view: RunView) -> list[Finding]:
    return list(CHECK.review(view))


def test_a_cosine_past_its_period() -> None:
    (finding,) = found(run(cosine(16, 10), "CosineAnnealingLR", T_max=10))
    assert finding.where.site == LINE
    assert finding.steps == (100, 150)
    assert finding.summary == (
        "the rate had come down to 0 by step 100 and rose again to 0.05, 50% of its largest, until "
        "the run ended at step 160; CosineAnnealingLR is made for 10 steps and made 16"
    )
    assert len(found(run(cosine(16, 10)))) == 1  # by hand
    assert len(found(run([0.02, 0.06, *cosine(16, 10)]))) == 1  # after a warm-up


def test_at_the_limit_of_the_rise() -> None:
    fall = [0.1, 0.05, 0.02, 0.004]
    assert len(found(run([*fall, 0.006, 0.0101]))) == 1
    assert found(run([*fall, 0.006, 0.0099])) == []
    assert found(run([0.1, 0.05, 0.02, 0.0051, 0.006, 0.05])) == []  # it never came down


@pytest.mark.parametrize(
    "rates",
    [
        cosine(11, 10),
        cosine(35, 10),  # comes down twice
        [*cosine(11, 10), *cosine(6, 10)],  # a restart
        [*cosine(11, 10), 0.02, 0.04, 0.06, 0.05],  # a second phase with a warm-up
        [0.1] * 12,
        [0.0] * 12,
        [math.nan] * 12,
        [],
    ],
)
def test_what_stays_silent(rates: list[float]) -> None:
    assert found(run(rates)) == []


@pytest.mark.parametrize("of", ["CyclicLR", "OneCycleLR", "CosineAnnealingWarmRestarts"])
def test_cycles_are_meant(of: str) -> None:
    assert found(run(cosine(16, 10), of)) == []


def test_a_run_that_was_stopped() -> None:
    view = run(cosine(16, 10))
    view.facts["stopped"] = "--steps"
    assert found(view) == []
