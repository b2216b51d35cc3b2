"""Unit tests of `scheduler-never-stepped`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.schedule.scheduler_never_stepped import SchedulerNeverStepped
from assay.journal.schedulers import Scheduler
from assay.journal.series import Series
from assay.journal.view import BuiltOptimizer, RunView, Site
from assay.testing import make_run, make_training

CHECK = SchedulerNeverStepped()
LIMIT = int(CHECK.limit("steps"))
LINE = Site("train.py", 9)


def run(steps: int = LIMIT, rates: dict[int, float] | None = None, **facts: Any) -> RunView:
    training = make_training(learning_rate={"group 0": rates or {0: 0.1}}, steps=steps)
    made = make_run(training, facts={"exit_code": 0})
    made.optimizers.append(BuiltOptimizer(0, "SGD", training=0))
    made.schedulers.append(Scheduler("StepLR", {}, LINE, **{"optimizer": 0, **facts}))
    return made


def found(view: RunView) -> list[Finding]:
    return list(CHECK.review(view))


def test_at_the_limit_of_steps() -> None:
    (finding,) = found(run())
    assert finding.where.site == LINE
    assert finding.summary == (
        "StepLR was built and never stepped: all 50 steps of SGD were taken at a rate of 0.1"
    )
    assert found(run(LIMIT - 1)) == []


@pytest.mark.parametrize(
    "facts",
    [
        {"held": True},
        {"own_step": True},
        {"optimizer": None},
        {"counts": Series([(50, 1.0)])},
        {"rates": {0: 0.1, 30: 0.05}},  # somebody else moves it
    ],
)
def test_what_stays_silent(facts: dict[str, Any]) -> None:
    assert found(run(**facts)) == []


def test_another_scheduler_drives_the_optimizer() -> None:
    view = run()
    view.schedulers.append(Scheduler("LambdaLR", optimizer=0, counts=Series([(50, 50.0)])))
    assert found(view) == []


def test_two_that_rest_are_told_once() -> None:
    view = run()
    view.schedulers.append(Scheduler("LambdaLR", optimizer=0))
    assert len(found(view)) == 1


@pytest.mark.parametrize(
    "facts", [{"exit_code": 1}, {"exit_code": None}, {"exit_code": 0, "stopped": "--steps"}]
)
def test_a_run_that_did_not_come_to_its_end(facts: dict[str, Any]) -> None:
    view = run()
    view.facts = facts
    assert found(view) == []
