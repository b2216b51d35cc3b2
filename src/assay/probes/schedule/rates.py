"""Probe: what changed a learning rate, where it changed by much from one step to the next."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

from ...seams.callsite import user_site
from ...watching.probe import Probe
from ...watching.rate_lines import RateLines

WRITTEN_AT_MOST = 200
"""Changes written in one run: a rate that goes up and down with every step changes without end."""


class Rates(Probe):
    """Event `rate_changed`: an optimizer's highest rate is twice, or half, that of the step before.

    `by` is `scheduler`, `load_state` or `script`, `line` the user's line that did it: where that
    scheduler was built, where the state was loaded, or the one line of the source that can have
    assigned this rate; None where several can.
    """

    name = "rates"
    always: ClassVar = ("scheduler_created", "scheduler_step", "load_state", "rate_changed")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._built: dict[int, Any] = {}
        # by id of an optimizer: itself, who last set its rates, the line of that, the highest rate
        self._set: dict[int, tuple[weakref.ref[Any], str, Any, float]] = {}
        self._lines = RateLines()
        self._written = 0

    def on_scheduler_created(self, scheduler: Any) -> None:
        """Notes its line."""
        self._built[self.watch.schedulers.of(scheduler)] = user_site(2)

    def on_scheduler_step(self, scheduler: Any, given: Any) -> None:
        """Notes which rate it set."""
        built = self._built.get(self.watch.schedulers.of(scheduler))
        self._note(getattr(scheduler, "optimizer", None), "scheduler", built)

    def on_load_state(self, owner: Any, result: Any) -> None:
        """Notes which rate came with an optimizer's state."""
        if hasattr(owner, "param_groups"):
            self._note(owner, "load_state", user_site(2))

    def _note(self, optimizer: Any, by: str, line: Any) -> None:
        if optimizer is not None:
            self._set[id(optimizer)] = weakref.ref(optimizer), by, line, highest(optimizer)

    def on_rate_changed(self, training: Any, optimizer: Any, before: float, after: float) -> None:
        """Writes who changed it."""
        if self._written >= WRITTEN_AT_MOST:
            return
        self._written += 1
        known = self._set.get(id(optimizer))
        by, line = "script", None
        if known is not None and known[0]() is optimizer and known[3] == after:
            by, line = known[1], known[2]
        elif after > before:
            found = self._lines.that_set(before, after)
            line = None if found is None else found[:3]
        self.watch.event("rate_changed", training, before=before, after=after, by=by, line=line)


def highest(optimizer: Any) -> float:
    """Returns the highest rate of its groups."""
    rates = (group.get("lr") for group in optimizer.param_groups)
    return max((float(rate) for rate in rates if rate is not None), default=0.0)
