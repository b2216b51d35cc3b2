"""Which scheduler drives which training, and what the rate came to."""

from __future__ import annotations

from collections.abc import Iterator

from ..journal.schedulers import Scheduler
from ..journal.series import Series
from ..journal.view import RunView, Training


def driven(run: RunView) -> Iterator[tuple[Scheduler, Training]]:
    """Yields each scheduler that no other one steps, with the training of its optimizer."""
    for scheduler in run.schedulers:
        if scheduler.held or scheduler.optimizer is None:
            continue
        built = run.optimizers[scheduler.optimizer]
        if built.training is not None and built.training < len(run.trainings):
            yield scheduler, run.trainings[built.training]


def is_alone(run: RunView, scheduler: Scheduler) -> bool:
    """Whether no other scheduler acts on the same optimizer."""
    return not any(
        other is not scheduler and other.optimizer == scheduler.optimizer
        for other in run.schedulers
    )


def why_no_schedule(run: RunView) -> str | None:
    """Returns why no scheduler can be judged; None if one drives a training."""
    if not run.schedulers:
        return run.skipped.get("schedules") or "no scheduler of torch was built"
    if not any(True for _ in driven(run)):
        return "no optimizer with a scheduler stepped"
    return None


def rates(training: Training) -> Iterator[tuple[int, Series]]:
    """Yields the finite rates of each parameter group."""
    for place in training.places("learning_rate"):
        yield int(place.rpartition(" ")[2]), training.series("learning_rate", place).finite()


def ran_to_its_end(run: RunView) -> bool:
    """Whether the script ended by itself, without an error: nothing was left to come."""
    return run.facts.get("exit_code", 0) == 0 and "stopped" not in run.facts
