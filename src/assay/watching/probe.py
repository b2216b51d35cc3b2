"""What a probe is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from .watch import Watch


class Probe:
    """Reads at seams and records facts through its watch.

    For each event named in `always` or `sampled` the probe has a method `on_<event>`. Methods
    named in `sampled` are called only within a sampled iteration; the time they take is charged to
    the budget.
    """

    name: ClassVar[str]
    always: ClassVar[tuple[str, ...]] = ()
    sampled: ClassVar[tuple[str, ...]] = ()

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def iteration_begins(self) -> None:
        """A sampled iteration starts: forget what an earlier one left."""

    def finish(self) -> None:
        """The run ends: write what is still held."""
