"""Runs made by hand, for unit tests of checks: no torch, no process, no file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..journal.events import EVENTS
from ..journal.series import Series
from ..journal.signals import SIGNALS
from ..journal.view import Evaluation, Event, Group, Module, Parameter, RunView, Site, Training

Values = Sequence[float] | Mapping[int, float]


def _series(values: Values) -> Series:
    items = values.items() if isinstance(values, Mapping) else enumerate(values)
    return Series(items)


def make_training(
    *,
    index: int = 0,
    optimizer: str = "SGD",
    steps: int | None = None,
    groups: Sequence[Mapping[str, Any]] = ({"lr": 0.1},),
    evaluations: Iterable[Evaluation] = (),
    site: Site | None = None,
    process: int = 0,
    **signals: Values | Mapping[str, Values],
) -> Training:
    """Makes a training with invented series.

    Args:
        index: number of the training in its run.
        optimizer: class name; "" for weights changed by hand.
        steps: optimizer steps taken; by default as many as the longest signal has.
        groups: settings of each parameter group, with the names under `parameters`.
        evaluations: evaluation phases, in order.
        site: where the optimizer was built.
        process: number of the process that trained.
        signals: each a list of values for steps 0, 1, 2 ... or a dict from step to value, at place
            ""; or a dict from place to either. `loss=[3, 2, 1]`, `grad_norm={"0.weight": [1, 2]}`.

    Raises:
        KeyError: A signal is not declared.
    """
    training = Training(
        index=index,
        optimizer=optimizer,
        site=site or Site("train.py", 5, "<module>"),
        groups=tuple(
            Group(i, tuple(group.get("parameters", ())), dict(group))
            for i, group in enumerate(groups)
        ),
        process=process,
    )
    for evaluation in evaluations:
        training.add_evaluation(evaluation)
    for name, given in signals.items():
        by_place = isinstance(given, Mapping) and all(isinstance(key, str) for key in given)
        places: Any = given if by_place else {"": given}
        training.signals[SIGNALS[name].name] = {
            place: _series(values) for place, values in places.items()
        }
    longest = max(
        (
            series.steps[-1] + 1
            for places in training.signals.values()
            for series in places.values()
            if len(series)
        ),
        default=0,
    )
    training.steps = longest if steps is None else steps
    return training


def make_run(
    *trainings: Training,
    events: Iterable[Event[Any]] = (),
    modules: Iterable[Module] = (),
    parameters: Iterable[Parameter] = (),
    facts: Mapping[str, Any] | None = None,
    **signals: Any,
) -> RunView:
    """Makes a run for a unit test; signals given here make one training (see `make_training`).

    Raises KeyError for an event, or a key of its data, that is not declared.
    """
    made, events = list(trainings), list(events)
    for event in events:
        EVENTS[event.kind].verify(event.data, whole=False)
    if signals or not made:
        made.append(make_training(index=len(made), **signals))
    return RunView(
        facts=dict(facts or {}),
        trainings=made,
        modules=list(modules),
        parameters=list(parameters),
        all_events=events,
    )
