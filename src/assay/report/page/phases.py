"""Trainings that follow one another, such as pre-training and fine-tuning, on one axis of steps."""

from __future__ import annotations

from array import array
from dataclasses import replace

from ...journal.series import Series
from ...journal.view import RunView, Training


def first_steps(view: RunView) -> dict[int, int]:
    """Returns how many steps of the run lie before each training's first one, by its number.

    Trainings that take turns, such as the two of a GAN, begin together: one is a later phase only
    if all that began before it in its process had ended.
    """
    first: dict[int, int] = {}
    for training in sorted(view.trainings, key=lambda t: (t.process, t.began)):
        earlier = [
            t for t in view.trainings
            if t.process == training.process and t.index in first and t.steps
        ]  # fmt: skip
        ended = all(t.began + t.steps <= training.began for t in earlier)
        ends = [first[t.index] + t.steps for t in earlier] if ended else []
        beside = [first[t.index] for t in earlier] if not ended else []
        first[training.index] = max(ends or beside, default=0)
    return first


def in_sequence(view: RunView, first: dict[int, int]) -> RunView:
    """Returns the run with the steps of each training counted from the beginning of the run."""
    if not any(first.values()):
        return view
    return replace(view, trainings=[_later(t, first[t.index]) for t in view.trainings])


def phases(view: RunView, first: dict[int, int]) -> list[dict[str, object]]:
    """Returns where each phase begins, to be marked; none if there is only one."""
    shown = [t for t in view.trainings if t.steps and t.rank == 0] if any(first.values()) else []
    return [{"step": first[t.index], "label": str(t)} for t in shown]


def _later(training: Training, by: int) -> Training:
    if not by:
        return training
    return replace(
        training,
        steps=training.steps + by,
        signals={
            signal: {place: _moved(series, by) for place, series in places.items()}
            for signal, places in training.signals.items()
        },
        evaluations=[replace(e, step=e.step + by) for e in training.evaluations],
    )


def _moved(series: Series, by: int) -> Series:
    moved = Series()
    moved.steps = array("q", (step + by for step in series.steps))
    moved.values = series.values
    return moved
