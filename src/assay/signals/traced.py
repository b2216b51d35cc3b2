"""Which traced step tells where a loss that is not finite is from."""

from __future__ import annotations

from ..journal.events import NONFINITE_TRACED, NonfiniteTraced
from ..journal.view import Event, RunView, Training
from .nonfinite.forward import has_no_value


def tracing_of(run: RunView, training: Training, step: int) -> Event[NonfiniteTraced] | None:
    """Returns what was traced of the loss that was not finite at a step first; None if nothing was.

    A run itself may have traced other steps before, such as one that a scaler skipped: the nearest
    counts. A second run has looked for this one alone.
    """
    fitting = [
        event
        for event in run.events(NONFINITE_TRACED)
        if event.data["at"] <= step
        and ("differs_from" in event.data or event.data["at"] >= step - 1)
        and event.training in (None, training.index)
    ]
    return max(fitting, key=lambda e: ("differs_from" in e.data, e.data["at"]), default=None)


def is_undefined(run: RunView, training: Training, step: int) -> bool:
    """Whether a loss that had not grown was broken by an operation without a value, or bad data."""
    event = tracing_of(run, training, step)
    finite = training.series("loss").between(0, step).finite()
    if event is None or (len(finite) and finite.last > finite.first):
        return False
    return not event.data["op"] or has_no_value(event.data)
