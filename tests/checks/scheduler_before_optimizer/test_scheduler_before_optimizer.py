"""Unit tests of `scheduler-before-optimizer`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.schedule.scheduler_before_optimizer import SchedulerBeforeOptimizer
from assay.journal.schedulers import Scheduler, StepLine
from assay.journal.series import Series
from assay.journal.view import BuiltOptimizer, Event, RunView, Site
from assay.testing import make_run, make_training

CHECK = SchedulerBeforeOptimizer()
LINE, OTHER = Site("train.py", 20), Site("train.py", 30)


def run(counts: tuple[tuple[int, float], ...] = ((0, 1.0), (20, 2.0)), **facts: Any) -> RunView:
    training = make_training(learning_rate={"group 0": {0: 0.09, 20: 0.08}}, steps=40)
    made = make_run(training)
    made.optimizers.append(BuiltOptimizer(0, "SGD", training=0))
    given = {"of": "ExponentialLR", "optimizer": 0, "first": (0.1,), "counts": Series(counts),
             "positions": Series([(0, 1.0)]), "lines": (StepLine(LINE, 2, 0),)}  # fmt: skip
    made.schedulers.append(Scheduler("ExponentialLR", {}, OTHER, **{**given, **facts}))
    return made


def found(view: RunView) -> list[Finding]:
    return list(CHECK.review(view))


def test_one_line_comes_first_in_each_round() -> None:
    (finding,) = found(run())
    assert (finding.where.site, finding.severity) == (LINE, "warning")
    assert finding.summary == (
        "ExponentialLR was stepped at train.py:20 before the first step of SGD, and so again 1 "
        "times: its first rate of 0.1 was never used"
    )
    assert "never used" not in found(run(first=(0.09,)))[0].summary
    assert len(found(run(positions=Series()))) == 1  # a ChainedScheduler has none


@pytest.mark.parametrize(
    "facts",
    [
        {"counts": ((20, 1.0), (40, 2.0))},
        {"counts": ((0, 1.0), (0, 2.0), (20, 3.0))},  # moved on to where an older run ended
        {"counts": ((0, 1.0),)},
        {"counts": ()},
        {"lines": ()},
        {"lines": (StepLine(OTHER, 1, 0), StepLine(LINE, 1, 0))},  # once, to skip a rate
        {"positions": Series([(0, 0.0)])},  # step(epoch)
        {"first": (0.0,)},
        {"of": "ReduceLROnPlateau"},
        {"held": True},
    ],
)
def test_what_stays_silent(facts: dict[str, Any]) -> None:
    assert found(run(**facts)) == []


def test_a_first_step_that_a_scaler_left_out() -> None:
    view = run()
    view.all_events.append(Event("step_skipped", 0, {}, training=0))
    assert found(view) == []
    view.all_events[0] = Event("step_skipped", 7, {}, training=0)
    assert len(found(view)) == 1
