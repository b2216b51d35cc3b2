"""The hub: one list of listeners per event, and the place where our own errors end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any, Protocol

from .changes import Changes
from .events import AT_EVERY_STEP, EVENTS, verify
from .interpreting import interpreted

Listener = Callable[..., Any]
ErrorListener = Callable[[str, BaseException, str], None]
"""Is told where an error of ours was raised, the error, and which probe raised it; "" for none."""


class Clock(Protocol):
    """What counts the steps.

    While nobody else listens to what happens at every step, seams call these two directly. Beside a
    real model our code is never in the caches: a call saved is up to a microsecond saved.
    """

    def on_backward_begin(self, roots: Any, kept: Any) -> None:
        """Gradients are about to be computed."""

    def on_step_end(self, optimizer: Any) -> None:
        """Notes that an optimizer has stepped."""


class Switch(Protocol):
    """A seam that costs too much to be always in place: probes turn it on when they sample."""

    def start(self) -> None:
        """Puts the seam in place; does nothing when it is."""

    def stop(self) -> None:
        """Takes the seam away; does nothing when it is not there."""


class Hub:
    """Carries events from seams to listeners; an error in a listener never leaves it.

    Events and what they give are declared in `Events`. Listeners are plain callables kept in one
    list per event, so that a seam whose list is empty costs one attribute read.
    """

    def __init__(self, on_error: ErrorListener | None = None) -> None:
        self._on_error = on_error
        self._seen: set[str] = set()
        self.listeners: dict[str, list[Listener]] = {name: [] for name in EVENTS}
        self.changes = Changes()
        """What tricks change."""
        self.switches: dict[str, Switch] = {}
        """Seams that are in place only while an iteration is sampled."""
        self.on_demand: dict[str, Switch] = {}
        """By event: seams that are in place only while someone listens to it."""
        self.fast_clock: Clock | None = None
        """The clock, as long as nobody else listens to what happens at every step."""
        self._clock: Clock | None = None
        self._others = 0
        self._acting: set[Listener] = set()
        self._silent = False
        self.thread: int | None = None
        """The one that is heard; None for any."""
        self.in_backward = 0

    def keep_time(self, clock: Clock) -> None:
        """Makes this the clock, before it adds its listeners by `on` as all others do."""
        self._clock = clock

    def on(
        self, event: str, listener: Listener, *, first: bool = False, acting: bool = False
    ) -> None:
        """Adds a listener behind, or before, those there are.

        An acting listener belongs to a trick: it stands before all that only look, and what it
        raises is not contained, since a run whose trick failed silently would prove nothing.

        Raises:
            EventError: The listener does not fit the event.
        """
        verify(event, listener)
        known = self.listeners[event]
        last = len(known)
        if acting:
            last = 1 + max(
                (i for i, other in enumerate(known) if other in self._acting), default=-1
            )
        known.insert(0 if first else last, listener)
        if acting:
            self._acting.add(listener)
        if event in AT_EVERY_STEP:
            self._count(listener, +1)
        elif len(known) == 1 and event in self.on_demand:
            self.on_demand[event].start()

    def off(self, event: str, listener: Listener) -> None:
        """Removes a listener that was added before."""
        known = self.listeners[event]
        known.remove(listener)
        self._acting.discard(listener)
        if event in AT_EVERY_STEP:
            self._count(listener, -1)
        elif not known and event in self.on_demand:
            self.on_demand[event].stop()

    def _count(self, listener: Listener, more: int) -> None:
        owner = getattr(listener, "__self__", None)
        if owner is None or owner is not self._clock:  # tricks are there before the clock is
            self._others += more
        self._choose_fast_clock()

    def _choose_fast_clock(self) -> None:
        self.fast_clock = None if self._others or self._silent else self._clock

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Announces nothing within: what happens there is a measurement of ours."""
        before, self._silent = self._silent, True
        self._choose_fast_clock()
        try:
            yield
        finally:
            self._silent = before
            self._choose_fast_clock()

    def emit(self, event: str, *facts: Any) -> None:
        """Tells every listener of the event, containing what they raise (not a clean stop)."""
        if self._silent or (self.thread is not None and self.thread != get_ident()):
            return
        for listener in tuple(self.listeners[event]):
            try:
                listener(*facts)
            except Exception as error:
                if listener in self._acting:
                    raise
                self.contain_of(event, listener, error)

    @property
    def acted_on(self) -> bool:
        """Whether a trick acts on the run."""
        return bool(self._acting)

    def own_thread(self) -> None:
        """Hears only this thread from now on: what another one trains would mix with it."""
        if self.thread is None:
            self.thread = get_ident()

    def forked(self) -> None:
        """Forgets, in a forked child, which thread trains and that a backward pass is on."""
        self.thread, self.in_backward = None, 0

    def close(self) -> None:
        """Drops all listeners and filters: someone may still hold functions of ours."""
        self._clock = self.fast_clock = None
        self.changes.close()
        for known in self.listeners.values():
            known.clear()

    def contain_of(self, event: str, listener: Listener, error: BaseException) -> None:
        """Reports what a listener raised, with the probe that it belongs to."""
        where = f"{event} in {getattr(listener, '__qualname__', listener)}"
        owner = getattr(listener, "__self__", None)
        self.contain(where, error, by=getattr(owner, "name", ""))

    def contain(self, where: str, error: BaseException, *, by: str = "") -> None:
        """Reports an error of ours once per place and kind, and goes on; `by` names the probe."""
        key = f"{where}: {type(error).__name__}: {error}"
        if key not in self._seen and len(self._seen) < 200:
            self._seen.add(key)
            if self._on_error is not None:
                self._on_error(where, error, by)


_running: list[Hub] = []


def set_running(hub: Hub | None) -> None:
    """Notes the hub of the session that watches this process, or that there is none any more."""
    _running[:] = [] if hub is None else [hub]


def running() -> Hub | None:
    """Returns the hub of the session that watches this process, also if loaded as `_assay`."""
    if not _running and __name__.startswith("assay.") and "_assay.seams.hub" in sys.modules:
        hub: Hub | None = sys.modules["_assay.seams.hub"].running()
        return hub
    return _running[0] if _running else None


interpreted(Hub.emit, below=True)  # listeners are ours
