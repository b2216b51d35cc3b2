"""What a probe is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from .context import ProbeContext

Cost = Literal["free", "cheap", "dear"]
"""What a probe's measurement costs: nothing to speak of, so that it may be made at each step or at
each event; about as much as a small part of a step, so that samples have to be spaced; several
steps, so that it has to ask the budget each time and wait for its turn."""


class Probe:
    """Reads at seams and records facts through its context.

    For each event named in `always` or `sampled` the probe has a method `on_<event>` with the
    parameters that `seams/events.py` gives this event. Methods named in `sampled` are called only
    within a sampled iteration; the time they take is charged to the budget. A probe whose `cost` is
    `dear` asks before it measures (`watch.grant`), and says what it took (`watch.charge`).
    """

    name: ClassVar[str]
    cost: ClassVar[Cost] = "cheap"
    always: ClassVar[tuple[str, ...]] = ()
    sampled: ClassVar[tuple[str, ...]] = ()

    def __init__(self, watch: ProbeContext) -> None:
        self.watch = watch
        watch.serve(self)

    def iteration_begins(self) -> None:
        """Forgets what an earlier iteration left: a sampled one starts."""

    def finish(self) -> None:
        """Writes what is still held: the run ends."""
