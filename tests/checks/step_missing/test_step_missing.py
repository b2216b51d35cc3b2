"""Unit tests of `step-missing`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.optimizer.step_missing import StepMissing
from assay.journal.view import BuiltOptimizer, Event, RunView, Site
from assay.testing import make_run, make_training

CHECK = StepMissing()
BUILT, LOOP, OTHER = Site("train.py", 8), Site("train.py", 20), Site("train.py", 40)


def waiting(passes: int, **facts: Any) -> BuiltOptimizer:
    usual = {"with_gradient": passes, "backward": LOOP, "in_training": True, "moved": False,
             "waiting": ("0.weight", "0.bias"), "waiting_count": 2}  # fmt: skip
    return BuiltOptimizer(0, "Adam", BUILT, (2,), 12, passes, **{**usual, **facts})


def never(
    passes: int, *, exit_code: int | None = 0, stopped: bool = False, **facts: Any
) -> RunView:
    run = RunView(optimizers=[waiting(passes, **facts)], facts={"exit_code": exit_code})
    run.all_events.append(Event("backward", 0, {}, LOOP))
    if stopped:
        run.facts["stopped"] = "stopped after 5 seconds, as asked by --seconds"
    return run


def stalled(passes: int = 512, site: Site = LOOP, step: int = 10, **data: Any) -> RunView:
    data = {"passes": passes, "training": True, "finite": True, **data}
    events = [
        Event("backward", 0, {}, LOOP),
        Event("backward", 12, {}, OTHER),
        Event("stalled", step, data, site, training=0),
    ]
    training = make_training(loss=[1.0] * 10, backward_passes={0: 1, 5: 4})
    run = make_run(training, events=events)
    run.optimizers.append(BuiltOptimizer(0, "SGD", BUILT, training=0))
    return run


def found(run: RunView) -> list[Finding]:
    return list(CHECK.review(run))


def test_an_optimizer_that_never_steps() -> None:
    (finding,) = found(never(16))
    assert finding.where.site == LOOP
    assert finding.summary == (
        "Adam (built at train.py:8) never stepped, though its parameters (0.weight, 0.bias) had a "
        "gradient after 16 of 16 backward passes"
    )
    assert found(never(15)) == []


def test_beside_one_that_steps() -> None:
    run = make_run(make_training(loss=[1.0]))
    run.optimizers += [BuiltOptimizer(0, "SGD", BUILT, training=0), waiting(32)]
    assert len(found(run)) == 1
    run.optimizers[1].training = 1  # it stepped later
    assert found(run) == []


@pytest.mark.parametrize(
    "facts",
    [{"moved": True}, {"moved": None}, {"in_training": False}, {"with_gradient": 3}],
)
def test_what_is_moved_otherwise_only_evaluated_or_rarely_reached_is_silent(
    facts: dict[str, Any],
) -> None:
    assert found(never(64, **facts)) == []


def test_a_run_that_was_stopped_needs_more_passes_and_one_that_broke_is_silent() -> None:
    assert found(never(63, stopped=True)) == []
    assert len(found(never(64, stopped=True))) == 1
    assert len(found(never(64, exit_code=None))) == 1  # a signal
    assert len(found(never(64, exit_code=130))) == 1
    assert found(never(64, exit_code=1)) == []


def test_a_training_that_stops_to_step() -> None:
    (finding,) = found(stalled())
    assert (finding.where.site, finding.steps, finding.training) == (LOOP, (10, 10), 0)
    assert "SGD #0 stopped to step: 512 backward passes" in finding.summary


def test_at_the_limit_of_the_longest_accumulation() -> None:
    assert len(found(stalled(passes=32))) == 1  # eight times four
    assert found(stalled(passes=31)) == []


@pytest.mark.parametrize(
    "run",
    [
        stalled(site=OTHER),  # the line of no pass that a step followed
        stalled(step=9),  # another step came
        stalled(training=False),
        stalled(finite=False),
    ],
)
def test_other_work_after_the_last_step_is_silent(run: RunView) -> None:
    assert found(run) == []


def test_runs_that_cannot_be_judged_say_why() -> None:
    run = make_run(loss=[1.0])
    assert found(run) == []
    assert CHECK.why_skipped(run) == "no backward pass was seen in the sampled steps"
    run.all_events.append(Event("backward", 0, {}, LOOP))
    assert CHECK.why_skipped(run) == "no optimizer was built"
    assert CHECK.why_skipped(never(4)) is None
