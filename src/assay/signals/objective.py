"""What a training minimises, and whether its rate is still on the way up."""

from __future__ import annotations

import math
from statistics import fmean

from ..journal.events import LOSS_CALL, LossCall
from ..journal.view import Event, RunView, Training


def only_loss(run: RunView, training: Training) -> Event[LossCall] | None:
    """Returns the one loss call that training follows; None where it follows anything else."""
    calls = [event for event in run.events(LOSS_CALL) if event.data.get("in_graph", True)]
    if len({event.data["place"] for event in calls}) != 1:
        return None
    call = calls[0]
    if call.data.get("weighted") or call.data.get("reduction") != "mean":
        return None
    values = dict(training.series("loss_call_value", call.data["place"]).finite())
    losses = dict(training.series("loss").finite())
    both = sorted(values.keys() & losses.keys())
    if not both:
        return None
    parts, whole = fmean(values[s] for s in both), fmean(losses[s] for s in both)
    return call if math.isclose(parts, whole, rel_tol=0.1) else None


def alone(run: RunView, training: Training) -> bool:
    """Whether no other optimizer of its process trains beside it."""
    return [t for t in run.trainings if t.process == training.process and t.steps] == [training]


def warming_up(training: Training) -> bool:
    """Whether the rate still rises at the end of what was seen."""
    rates = training.series("learning_rate", "group 0")
    return len(rates) > 1 and rates.last >= max(rates.values) and rates.first < 0.5 * rates.last


def training_of(run: RunView, call: Event[LossCall]) -> Training | None:
    """Returns the training that a loss call belongs to; None if several trainings share it."""
    place = call.data["place"]
    own = [t for t in run.trainings if t.process == call.process and t.steps]
    shared = [t for t in own if len(t.series("loss_call_value", place))]
    return shared[0] if len(shared) == 1 else None
