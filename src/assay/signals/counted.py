"""Losses that are NaN since they are means over nothing, and whether a step was taken with them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..journal.events import NOTHING_COUNTED, NothingCounted
from ..journal.view import Event, RunView, Training


def over_nothing(
    run: RunView, *kinds: str
) -> Iterator[tuple[Training, Event[NothingCounted], bool]]:
    """Yields each such loss that a step followed, and whether later losses are finite again.

    Args:
        run: What was recorded.
        kinds: Of the event's `kind`; all if none is given.
    """
    for event in run.events(NOTHING_COUNTED):
        if kinds and event.data["kind"] not in kinds:
            continue
        for training in run.trainings:
            losses = training.series("loss")
            if event.training not in (None, training.index) or training.process != event.process:
                continue
            if losses.has(event.step) and math.isnan(losses.at(event.step)):
                later = (value for step, value in losses if step > event.step)
                yield training, event, any(map(math.isfinite, later))
                break
