"""Whether a scheduler is stepped in the unit that its numbers count."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ..journal.events import EVALUATED
from ..journal.schedulers import Scheduler
from ..journal.series import Series
from ..journal.view import RunView, Training
from .schedules import rates

Unit = Literal["batch for epoch", "epoch for batch", "batch for step"]
"""How it is stepped, and what its numbers count."""

DEAD = 1e-3
"""A rate this far below its peak moves nothing: each practice known ends at it, none trains by it.
"""
EARLY = 0.5
"""Of the run."""
NEAR = 0.02
"""Two counts as near as that are the same one: a last batch more, or a warm-up step."""
PER_STEP = 0.9
"""Of an optimizer's steps: a scheduler that steps so often steps once for each."""

IN_EPOCHS = ("StepLR", "MultiStepLR", "ExponentialLR")
"""Classes whose numbers are in epochs, as torch's documentation says."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A scheduler that is stepped in another unit than its numbers count.

    `horizon` is the number that tells it and `of` its name, `meant` how many of the unit meant the
    run has.
    """

    unit: Unit
    horizon: float
    of: str
    meant: float


def epochs(run: RunView, scheduler: Scheduler, training: Training) -> float | None:
    """Returns how many epochs a training had, if passes over data or evaluations tell; else None.

    Evaluations count where they lie equally far apart.
    """
    begun = scheduler.passes
    earlier = begun.first - 1 if len(begun) > 1 else 0  # of a training before this one
    passes = begun.last - earlier if len(begun) else math.nan
    if 2 <= passes <= training.steps / 2:
        return passes
    steps = sorted(
        {e.step for e in training.evaluations if e.step}
        | {e.step for e in run.events(EVALUATED) if e.step and e.process == training.process}
    )
    gaps = {b - a for a, b in zip([0, *steps], steps, strict=False)}
    if len(steps) >= 3 and max(gaps) - min(gaps) <= 1 and max(gaps) >= 2:
        return len(steps)
    return None


def horizon(scheduler: Scheduler) -> tuple[float, str] | None:
    """Returns the number of steps after which a schedule is done, and what it is called."""
    settings = scheduler.settings
    for name in ("T_max", "total_steps", "total_iters", "step_size", "total_size"):
        value = settings.get(name)
        if isinstance(value, (int, float)) and value > 0:
            return float(value), name
    milestones = settings.get("milestones")
    if isinstance(milestones, (list, tuple)) and milestones:
        return float(max(milestones)), "milestones"
    if scheduler.of == "LambdaLR" and scheduler.given:
        name = max(scheduler.given, key=lambda each: scheduler.given[each])
        if scheduler.given[name] >= 2:
            return scheduler.given[name], name
    return None


def died_at(training: Training) -> int | None:
    """Returns the step from which on every group's rate was next to nothing of its peak.

    None while one of them is alive at the end, or never had a rate.
    """
    found = []
    for _, series in rates(training):
        peak = max(series.values, default=0.0)
        if peak > 0:
            found.append(_dead_since(series, DEAD * peak))
    if not found or any(step is None for step in found):
        return None
    return max(step for step in found if step is not None)


def _dead_since(series: Series, limit: float) -> int | None:
    since = None
    for step, value in series:
        if value > limit:
            since = None
        elif since is None:
            since = step
    return since


def mismatch(run: RunView, scheduler: Scheduler, training: Training) -> Mismatch | None:
    """Returns in which wrong unit a scheduler is stepped, if it is."""
    steps, own = training.steps, scheduler.steps
    if scheduler.of in ("ReduceLROnPlateau", "CosineAnnealingWarmRestarts") or not own or not steps:
        return None
    if own >= PER_STEP * steps:
        return _per_batch(run, scheduler, training)
    if own <= steps / 2:
        return _per_epoch(scheduler, steps)
    return None


def _per_batch(run: RunView, scheduler: Scheduler, training: Training) -> Mismatch | None:
    known, steps = horizon(scheduler), training.steps
    count = epochs(run, scheduler, training)
    if known is not None and scheduler.steps >= 1.5 * steps:
        same = abs(known[0] - steps) <= NEAR * steps and known[1] in ("T_max", "total_iters")
        given = scheduler.of == "LambdaLR" and abs(known[0] - steps) <= NEAR * steps
        return Mismatch("batch for step", *known, steps) if same or given else None
    if known is not None and count is not None and known[0] == count and count >= 3:
        falls = scheduler.settings.get("end_factor", 0.0) < 1 and scheduler.of != "ConstantLR"
        if known[1] in ("T_max", "total_iters") and falls:
            return Mismatch("batch for epoch", *known, count)
    dead = died_at(training)
    if dead is None or dead > EARLY * steps:
        return None
    if scheduler.of in IN_EPOCHS and _lives(scheduler, count):
        value, name = known or (scheduler.settings.get("gamma", math.nan), "gamma")
        return Mismatch("batch for epoch", value, name, count or math.nan)
    if scheduler.of == "LambdaLR" and scheduler.argument.startswith("ep") and count is not None:
        return Mismatch("batch for epoch", count, "epochs", count)
    return None


def _lives(scheduler: Scheduler, count: float | None) -> bool:
    """Whether the rate would have lived, had it been stepped once in each of so many epochs."""
    if count is None:
        return True
    gamma = float(scheduler.settings.get("gamma", 0.1))
    decays: float
    if scheduler.of == "StepLR":
        decays = count // float(scheduler.settings.get("step_size", 1))
    elif scheduler.of == "MultiStepLR":
        decays = sum(each <= count for each in scheduler.settings.get("milestones", ()))
    else:
        decays = count
    return bool(gamma**decays > DEAD)


def _per_epoch(scheduler: Scheduler, steps: int) -> Mismatch | None:
    known = horizon(scheduler)
    if known is None:
        return None
    value, name = known
    batches = steps / scheduler.steps
    if name == "total_size" and value >= 4 * scheduler.steps and value <= 2 * steps:
        return Mismatch("epoch for batch", value, name, steps)
    if name in ("step_size", "milestones", "total_size"):
        return None
    if abs(value - steps) <= max(NEAR * steps, 1) and batches >= 2:
        return Mismatch("epoch for batch", value, name, steps)
    return None
