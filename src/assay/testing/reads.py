"""A run that notes what is read of it: what a check declares is compared with that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from functools import wraps
from typing import Any
from unittest.mock import patch

from ..checks.base import Check
from ..checks.finding import Finding
from ..journal.schema import EventKind
from ..journal.series import Series
from ..journal.view import Event, RunView, Training


class _NotedTraining(Training):
    """A training that notes which signals are asked for."""

    __slots__ = ("asked",)

    asked: set[str]

    def series(self, signal: str, place: str = "") -> Series:
        self.asked.add(signal)
        return super().series(signal, place)

    def places(self, signal: str) -> tuple[str, ...]:
        self.asked.add(signal)
        return super().places(signal)


class _NotedRun(RunView):
    """A run that notes which events are asked for."""

    __slots__ = ("asked",)

    asked: set[str]

    def events(self, kind: EventKind[Any] | str) -> Iterator[Event[Any]]:
        self.asked.add(kind if isinstance(kind, str) else kind.name)
        return super().events(kind)


def noted(run: RunView, asked: set[str]) -> RunView:
    """Returns the same run, which adds to `asked` each signal and event that is read of it."""
    copy = _NotedRun(**{each.name: getattr(run, each.name) for each in fields(run)})
    copy.asked = asked
    copy.trainings = []
    for training in run.trainings:
        other = _NotedTraining(
            **{each.name: getattr(training, each.name) for each in fields(training)}
        )
        other.asked = asked
        copy.trainings.append(other)
    return copy


def review(check: Check, run: RunView) -> list[Finding]:
    """Reviews a run with a check, as a diagnosis does.

    Raises AssertionError if the check read a signal or an event that it does not declare: its page,
    and the reason why it was skipped, would be wrong.
    """
    return list(_strict(type(check).review)(check, run))


def only_finding(check: Check, run: RunView) -> Finding:
    """Returns the one finding of a check; AssertionError if it has none, or several."""
    found = review(check, run)
    assert len(found) == 1, found
    return found[0]


@contextmanager
def reads_held(checks: Iterable[Check]) -> Iterator[None]:
    """Makes `review` of all these checks fail, inside, when they read what they don't declare."""
    with ExitStack() as patches:
        for kind in {type(check) for check in checks}:
            patches.enter_context(patch.object(kind, "review", _strict(kind.review)))
        yield


def _strict(own: Callable[[Check, RunView], Iterator[Finding]]) -> Callable[..., Any]:
    @wraps(own)
    def strict(self: Check, run: RunView) -> Iterator[Finding]:
        asked: set[str] = set()
        yield from own(self, noted(run, asked))
        if hidden := sorted(asked - set(self.reads)):
            raise AssertionError(f"{self.name} reads {', '.join(hidden)}: name it in `reads`")

    return strict
