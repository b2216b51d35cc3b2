"""What a probe is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from .context import ProbeContext

Cost = Literal["free", "cheap", "dear"]
"""What a probe's measurements cost: nothing to speak of, so that they are made at each event;
a small part of a step, so that they are made on sampled iterations only; several steps, so that
each asks the budget and waits for its turn."""


class Probe:
    """Reads at seams and records facts through its context.

    For each event named in `always` or `sampled` the probe has a method `on_<event>` with the
    parameters that `seams/events.py` gives this event. Methods named in `sampled` are called only
    within a sampled iteration; the time they take is charged to the budget. A probe is `cheap` if
    it has such methods and `free` if it has none; one that says that it is `dear` asks before it
    measures (`watch.grant`), and says what it took (`watch.charge`).
    """

    name: ClassVar[str]
    cost: ClassVar[Cost] = "free"
    always: ClassVar[tuple[str, ...]] = ()
    sampled: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if cls.cost != "dear":
            cls.cost = "cheap" if cls.sampled else "free"

    def __init__(self, watch: ProbeContext) -> None:
        self.watch = watch
        watch.serve(self)

    def iteration_begins(self) -> None:
        """Forgets what an earlier iteration left: a sampled one starts."""

    def finish(self) -> None:
        """Writes what is still held: the run ends."""
