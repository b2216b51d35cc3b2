"""Unit tests of `warmup-too-long`, on invented runs of 200 steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.schedule.warmup_too_long import WarmupTooLong
from assay.journal.schedulers import Scheduler
from assay.journal.series import Series
from assay.journal.view import BuiltOptimizer, Event, RunView, Site
from assay.testing import make_run, make_training

CHECK = WarmupTooLong()
LINE = Site("train.py", 9)
STEPS = 200
FALLING = [2 - i / STEPS for i in range(STEPS)]


def run(
    rate: Callable[[int], float], loss: Sequence[float] = FALLING, of: str = "", **facts: Any
) -> RunView:
    rates = [rate(i) for i in range(STEPS)]
    training = make_training(loss=loss, learning_rate={"group 0": rates}, steps=STEPS)
    training.built = 0
    made = make_run(training, facts={"exit_code": 0})
    made.optimizers.append(BuiltOptimizer(0, "Adam", training=0))
    if of:
        counts = Series([(STEPS, facts.pop("count", STEPS))])
        made.schedulers.append(Scheduler(of, facts, LINE, of=of, optimizer=0, counts=counts))
    return made


def ramp(until: int) -> Callable[[int], float]:
    return lambda i: 0.01 * min(i / until, 1.0)


def found(view: RunView) -> list[Finding]:
    return list(CHECK.review(view))


def test_it_never_ends() -> None:
    (finding,) = found(run(ramp(1000), of="LambdaLR"))
    assert finding.where.site == LINE
    assert finding.summary == (
        "the rate was still rising when the run ended, of 200 steps, from 0 to 0.002"
    )


def test_at_the_limit_of_its_share() -> None:
    (finding,) = found(run(ramp(101)))
    assert "rose until step 101, of 200 steps" in finding.summary
    assert found(run(ramp(100))) == []


@pytest.mark.parametrize(
    ("rate", "loss"),
    [
        (lambda i: 1e-4 * 1.05**i, FALLING),  # a range test
        (ramp(1000), [2 - i / STEPS if i < 150 else 5.0 for i in range(STEPS)]),  # so is this
        (lambda i: 0.01 + 0.01 * i / STEPS, FALLING),
        (lambda i: 0.01 * (i % 40), FALLING),
        (lambda i: 0.01, FALLING),
        (lambda i: math.nan, FALLING),
        (ramp(1000), []),
    ],
)
def test_what_stays_silent(rate: Callable[[int], float], loss: list[float]) -> None:
    assert found(run(rate, loss)) == []


def test_cycles_and_wrong_units_have_other_reasons() -> None:
    assert found(run(ramp(1000), of="CyclicLR")) == []
    assert found(run(ramp(1000), of="OneCycleLR", count=10, total_steps=STEPS)) == []


def test_stopped_runs_and_our_own_range_test() -> None:
    view = run(ramp(1000))
    view.facts["stopped"] = "--steps"
    assert found(view) == []
    view = run(ramp(1000))
    view.all_events.append(Event("sweep", 0, {"low": 1e-6, "high": 1.0, "steps": 200, "own": 0.1}))
    assert found(view) == []
