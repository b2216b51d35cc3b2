"""What a probe is."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from .watch import Watch

Cost = Literal["free", "cheap", "dear"]
"""What a probe's measurement costs: nothing to speak of, so that it may be made at each step or at
each event; about as much as a small part of a step, so that samples have to be spaced; several
steps, so that it has to ask the budget each time and wait for its turn."""


class Probe:
    """Reads at seams and records facts through its watch.

    For each event named in `always` or `sampled` the probe has a method `on_<event>`. Methods
    named in `sampled` are called only within a sampled iteration; the time they take is charged to
    the budget. A probe whose `cost` is `dear` asks before it measures (`grant`), and says what it
    took (`charge`).
    """

    name: ClassVar[str]
    cost: ClassVar[Cost] = "cheap"
    always: ClassVar[tuple[str, ...]] = ()
    sampled: ClassVar[tuple[str, ...]] = ()

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def iteration_begins(self) -> None:
        """A sampled iteration starts: forget what an earlier one left."""

    def grant(self, steps: float = 0.0, *, ahead: int = 0) -> bool:
        """Whether a dear measurement may be made now.

        Args:
            steps: What the first one may cost, in steps of the training.
            ahead: In how many iterations it will be made.
        """
        watch = self.watch
        opening = watch.plan.is_opening(watch.iteration)
        at = watch.iteration + ahead
        return watch.budget.grant(self.name, at, opening=opening, steps=steps)

    def charge(self, began: float) -> None:
        """Accounts for a measurement that was granted, and began at this `perf_counter()`."""
        watch = self.watch
        opening = watch.plan.is_opening(watch.iteration)
        watch.budget.charge(self.name, perf_counter() - began, opening=opening)

    def finish(self) -> None:
        """The run ends: write what is still held."""
