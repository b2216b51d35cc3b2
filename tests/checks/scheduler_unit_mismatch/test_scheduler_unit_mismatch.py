"""Unit tests of `scheduler-unit-mismatch`, on invented runs of ten epochs of twenty steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.schedule.scheduler_unit_mismatch import SchedulerUnitMismatch
from assay.journal.schedulers import Scheduler, StepLine
from assay.journal.series import Series
from assay.journal.view import BuiltOptimizer, Evaluation, Event, RunView, Site
from assay.testing import make_run, make_training

CHECK = SchedulerUnitMismatch()
BUILT, LINE, OTHER = Site("train.py", 9), Site("train.py", 20), Site("train.py", 30)
STEPS, EPOCHS = 200, 10


def run(
    of: str,
    count: int,
    settings: Mapping[str, Any] | None = None,
    *,
    dead: int | None = None,
    steps: int = STEPS,
    passes: float = EPOCHS,
    **facts: Any,
) -> RunView:
    rates = {0: 0.1} if dead is None else {0: 0.1, dead: 1e-5}
    made = make_run(make_training(learning_rate={"group 0": rates}, steps=steps))
    made.facts["exit_code"] = 0
    made.optimizers.append(BuiltOptimizer(0, "SGD", training=0))
    given = {"of": of, "optimizer": 0, "counts": Series([(steps, count)]),
             "passes": Series([(steps, passes)]), "lines": (StepLine(LINE, count, 0),)}  # fmt: skip
    made.schedulers.append(Scheduler(of, settings or {}, BUILT, **{**given, **facts}))
    return made


def found(view: RunView) -> list[Finding]:
    return list(CHECK.review(view))


@pytest.mark.parametrize(
    ("of", "settings"),
    [
        ("StepLR", {"step_size": 3, "gamma": 0.1}),
        ("MultiStepLR", {"milestones": [5, 8], "gamma": 0.05}),
        ("ExponentialLR", {"gamma": 0.9}),
    ],
)
def test_decays_for_epochs_are_used_up_by_batches(of: str, settings: Mapping[str, Any]) -> None:
    (finding,) = found(run(of, STEPS, settings, dead=STEPS // 2))
    assert finding.where.site == LINE
    assert "200 times in 200 steps of SGD, once for each batch" in finding.summary
    assert found(run(of, STEPS, settings, dead=STEPS // 2 + 1)) == []
    assert found(run(of, EPOCHS, settings, dead=STEPS // 2)) == []
    assert found(run(of, STEPS, settings)) == []


def test_decays_that_epochs_would_use_up_as_well() -> None:
    view = run("ExponentialLR", STEPS, {"gamma": 0.4}, dead=20)
    assert found(view) == []  # rate-decays-too-early
    view.schedulers[0].passes = Series()  # and where epochs are not known
    assert len(found(view)) == 1


def test_a_cosine_of_as_many_batches_as_there_are_epochs() -> None:
    (finding,) = found(run("CosineAnnealingLR", STEPS, {"T_max": EPOCHS}))
    assert "CosineAnnealingLR (T_max=10, in a run of 10 epochs)" in finding.summary
    assert found(run("CosineAnnealingLR", STEPS, {"T_max": EPOCHS + 1})) == []
    assert found(run("CosineAnnealingLR", STEPS, {"T_max": STEPS})) == []
    assert found(run("CosineAnnealingLR", EPOCHS, {"T_max": EPOCHS})) == []
    warm = {"total_iters": EPOCHS, "start_factor": 0.1, "end_factor": 1.0}
    assert found(run("LinearLR", STEPS, warm)) == []


def test_evaluations_tell_of_epochs_too() -> None:
    view = run("CosineAnnealingLR", STEPS, {"T_max": EPOCHS}, passes=math.nan)
    assert found(view) == []
    evaluated = [Event("evaluated", 20 * (i + 1), {}) for i in range(EPOCHS)]
    view.all_events += evaluated
    assert len(found(view)) == 1
    view.all_events[:] = [*evaluated[:4], Event("evaluated", 93, {}), *evaluated[5:]]
    assert found(view) == []
    view.trainings[0].evaluations += [
        Evaluation(20 * (i + 1), "mse_loss", 1.0, None, 9) for i in range(EPOCHS)
    ]
    view.all_events.clear()
    assert len(found(view)) == 1


@pytest.mark.parametrize(
    ("of", "settings"),
    [
        ("OneCycleLR", {"total_steps": STEPS}),
        ("CosineAnnealingLR", {"T_max": STEPS + 4}),
        ("PolynomialLR", {"total_iters": STEPS}),
        ("CyclicLR", {"total_size": 4 * EPOCHS}),
    ],
)
def test_schedules_of_batches_that_epochs_step(of: str, settings: Mapping[str, Any]) -> None:
    (finding,) = found(run(of, EPOCHS, settings))
    assert "was stepped 10 times in 200 steps of SGD, once for each epoch" in finding.summary
    (name,) = settings
    far = {name: STEPS + 5 if name != "total_size" else 4 * EPOCHS - 1}
    assert found(run(of, EPOCHS, far)) == []


def test_functions_say_what_they_count() -> None:
    given = {"num_warmup_steps": 20.0, "num_training_steps": 200.0}
    assert len(found(run("LambdaLR", EPOCHS, given=given))) == 1
    assert found(run("LambdaLR", STEPS, given=given)) == []
    assert len(found(run("LambdaLR", STEPS, argument="epoch", dead=60))) == 1
    assert found(run("LambdaLR", STEPS, argument="step", dead=60)) == []


def test_a_scheduler_that_each_of_four_batches_steps() -> None:
    assert len(found(run("CosineAnnealingLR", 4 * STEPS, {"T_max": STEPS}))) == 1
    assert found(run("CosineAnnealingLR", 4 * STEPS, {"T_max": 4 * STEPS})) == []


def test_a_second_line() -> None:
    lines = StepLine(LINE, 200, 0), StepLine(OTHER, 10, 8)
    (finding,) = found(run("ExponentialLR", 210, lines=lines))
    assert (finding.where.site, finding.severity) == (OTHER, "warning")
    assert found(run("ExponentialLR", 210, lines=(lines[0], StepLine(OTHER, 10, 7)))) == []
    assert found(run("ExponentialLR", 201, lines=(lines[0], StepLine(OTHER, 1, 1)))) == []
    assert found(run("ReduceLROnPlateau", 210, lines=lines)) == []


@pytest.mark.parametrize("facts", [{"exit_code": 1}, {"exit_code": 0, "stopped": "--steps"}])
def test_a_run_that_did_not_come_to_its_end(facts: dict[str, Any]) -> None:
    view = run("OneCycleLR", EPOCHS, {"total_steps": STEPS})
    view.facts = facts
    assert found(view) == []


def test_short_runs_and_schedulers_that_rest() -> None:
    assert found(run("OneCycleLR", 2, {"total_steps": 19}, steps=19)) == []
    assert found(run("OneCycleLR", 0, {"total_steps": STEPS})) == []
