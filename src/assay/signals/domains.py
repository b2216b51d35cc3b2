"""What losses and distributions were given, at every sampled call: probabilities, logits, ..."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..journal.events import LOSS_GIVEN, LossGiven
from ..journal.view import Event, RunView, Site, Training

Given = Event[LossGiven]
PROBABILITIES = ("softmax", "sigmoid")


def given(run: RunView, *functions: str, argument: str = "input") -> dict[str, list[Given]]:
    """Returns, by place, all the ways in which these functions were given an argument."""
    found: dict[str, list[Given]] = {}
    for event in run.events(LOSS_GIVEN):
        if event.data["fn"] in functions and event.data["argument"] == argument:
            found.setdefault(event.data["place"], []).append(event)
    return found


def kinds(events: list[Given]) -> set[str]:
    """Returns what made the argument, over all calls."""
    return {event.data["made_by"] for event in events}


def made_at(run: RunView, event: Given) -> Site | None:
    """Returns the line of the softmax: where its module was built, or else where it was taken."""
    name, line = event.data.get("module"), event.data.get("line")
    built = next((m.site for m in run.modules if name and m.name == name and m.site), None)
    return built or (Site(*line) if line else None)


def samples(run: RunView, signal: str, place: str) -> list[tuple[int, float]]:
    """Returns steps and values of a signal of loss calls, over all trainings."""
    series = (training.series(signal, place) for training in run.trainings)
    return sorted((step, value) for one in series for step, value in one)


def always(
    run: RunView, signal: str, place: str, holds: Callable[[float], bool]
) -> list[tuple[int, float]]:
    """Returns the samples of a signal if there are some and this holds for each; else none."""
    found = samples(run, signal, place)
    return found if all(holds(value) for _, value in found) else []


def class_dimension(function: str, dimensions: int) -> int:
    """Returns which dimension of its input a loss of classes takes for that of classes."""
    if function in ("cross_entropy", "nll_loss"):
        return min(1, dimensions - 1)
    return dimensions - 1


def has_dimension(value: float, dim: int) -> bool:
    """Whether a sum of 2^d holds this d; false for nan."""
    return math.isfinite(value) and bool(int(value) >> dim & 1)


def dimensions(value: float) -> list[int]:
    """Returns the d of a sum of 2^d."""
    return [dim for dim in range(16) if has_dimension(value, dim)]


def always_over_classes(run: RunView, event: Given, signal: str) -> list[tuple[int, float]]:
    """Returns the samples if at each the input was a distribution over its classes; else none."""
    dim = class_dimension(event.data["fn"], len(event.data["shape"]))
    return always(run, signal, event.data["place"], lambda value: has_dimension(value, dim))


def first_training(run: RunView, place: str, signals: tuple[str, ...]) -> Training | None:
    """Returns the training that a place belongs to; None if several share it, or none."""
    own = [
        t for t in run.trainings if t.steps and any(len(t.series(name, place)) for name in signals)
    ]
    return own[0] if len(own) == 1 else None


def calls(count: int) -> str:
    """Returns `all 12 sampled calls`, or `its one sampled call`."""
    return f"all {count} sampled calls" if count > 1 else "its one sampled call"
