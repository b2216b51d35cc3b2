"""What a training minimises, and whether its rate is still on the way up."""

from __future__ import annotations

import math
from statistics import fmean

from ..journal.events import LOSS_CALL, LossCall
from ..journal.missing import why_missing
from ..journal.view import Event, RunView, Training


def only_loss(run: RunView, training: Training) -> Event[LossCall] | None:
    """Returns the one loss call that training follows; None where it follows anything else."""
    if why_not_only(run, training) is not None:
        return None
    return _calls(run, training)[0]


def why_not_only(run: RunView, training: Training) -> str | None:
    """Returns why what a training minimises is not one plain call of a loss; None if it is."""
    return run.remembered(("not only", training.index), lambda: _why_not_only(run, training))


def _why_not_only(run: RunView, training: Training) -> str | None:
    calls = _calls(run, training)
    places = list(dict.fromkeys(event.data["place"] for event in calls))
    if not any(True for _ in run.events(LOSS_CALL)):
        return why_missing(run, LOSS_CALL.name)
    if not places:
        return "no loss function of torch.nn gave a loss that a gradient can go through"
    if len(places) > 1 and not _take_turns(training, calls):
        return f"{len(places)} calls of loss functions were seen, as {places[0]} and {places[1]}"
    call, place = calls[0], places[0]
    if call.data.get("weighted"):
        return f"{place} weights its classes"
    if call.data.get("reduction") != "mean":
        return f'{place} has reduction="{call.data.get("reduction")}", not "mean"'
    values = {
        step: value
        for each in places
        for step, value in training.series("loss_call_value", each).finite()
    }
    losses = training.series("loss").finite()
    both = sorted(step for step in values if losses.has(step))
    if not both:
        return f"no step of this training has a finite value of {place}"
    parts, whole = fmean(values[s] for s in both), fmean(losses.at(s) for s in both)
    if math.isclose(parts, whole, rel_tol=0.1):
        return None
    return f"the training loss is {whole:.3g} where {place} is {parts:.3g}: it is a sum of losses"


def _take_turns(training: Training, calls: list[Event[LossCall]]) -> bool:
    """Whether one loss of classes stands at several lines, no two of which share a step.

    So it is where a script trains twice; labels are counted over all lines together.
    """
    first, *others = (
        (call.data["fn"], call.data.get("weighted"), call.data["input"]["shape"][1:])
        for call in calls
    )
    if first[0] not in ("cross_entropy", "nll_loss") or any(other != first for other in others):
        return False
    steps = [
        training.series("loss_call_value", place).steps
        for place in {call.data["place"] for call in calls}
    ]
    return all(map(len, steps)) and sum(map(len, steps)) == len(set().union(*steps))


def _calls(run: RunView, training: Training) -> list[Event[LossCall]]:
    """Returns the calls of loss functions that this training's backward passes could go through."""
    return run.remembered(("calls", training.index), lambda: _calls_of(run, training))


def _calls_of(run: RunView, training: Training) -> list[Event[LossCall]]:
    calls = [event for event in run.events(LOSS_CALL) if event.data.get("in_graph", True)]
    if any(apart(training, other) for other in run.trainings if other.steps):
        # those of a training before or after this one are not its own
        calls = [c for c in calls if len(training.series("loss_call_value", c.data["place"]))]
    return calls


def alone(run: RunView, training: Training) -> bool:
    """Whether no other optimizer of its process trains beside it."""
    own = [t for t in run.trainings if t.process == training.process and t.steps]
    return training.steps > 0 and all(t is training or apart(t, training) for t in own)


def apart(one: Training, other: Training) -> bool:
    """Whether one of two trainings of a process was over when the other began.

    As far as steps tell: an iteration has at most one of each. An old record does not say when a
    training began, and then they are not apart.
    """
    first, then = sorted((one, other), key=lambda t: t.began)
    return one.process == other.process and then.began >= max(first.began + first.steps, 1)


def leads(run: RunView, training: Training) -> bool:
    """Whether the loss is this training's to answer for: none beside it, or all on the same losses.

    Optimizers of an encoder and a decoder that step after one backward pass have one objective, and
    the first of them stands for all.
    """
    own = [t for t in run.trainings if t.process == training.process and t.steps]
    beside = [t for t in own if t is training or not apart(t, training)]
    losses = list(training.series("loss"))
    same = all(t.began == training.began and list(t.series("loss")) == losses for t in beside)
    return bool(beside) and beside[0] is training and (len(beside) == 1 or (bool(losses) and same))


def warming_up(training: Training) -> bool:
    """Whether the rate still rises at the end of what was seen."""
    rates = training.series("learning_rate", "group 0")
    if len(rates) < 2 or rates.last < max(rates.values) or rates.first >= 0.5 * rates.last:
        return False
    tenth = max(training.steps // 10, 1)
    return rates.last > rates.between(0, max(training.steps - tenth, 1)).last


def training_of(run: RunView, call: Event[LossCall]) -> Training | None:
    """Returns the training that a loss call belongs to; None if several trainings share it."""
    place = call.data["place"]
    own = [t for t in run.trainings if t.process == call.process and t.steps]
    shared = [t for t in own if len(t.series("loss_call_value", place))]
    return shared[0] if len(shared) == 1 else None
