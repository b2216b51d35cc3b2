"""The fast path: steps between samples, of which only the loss is noted."""

from __future__ import annotations

from time import monotonic

FAST_S = 0.1
"""After so long the next step is looked at closely: what a killed process may lose of its losses,
beside what the journal holds back."""


class FastPath:
    """How many steps, and until when, the clock may note without looking closer.

    Granted at the end of a step that was looked at, for the steps up to the next sample. What makes
    a step a special one cancels the rest of it: a trick on the rate, a closure, a scaled loss, a
    sample that is due earlier.
    """

    __slots__ = ("cancelled", "steps_left", "until")

    def __init__(self) -> None:
        self.steps_left = 0
        self.until = 0.0
        self.cancelled = "not granted yet"
        """Why the last grant ended early; empty if it did not."""

    def grant(self, steps: int, now: float) -> None:
        """Allows so many steps from now on, for a tenth of a second at most."""
        self.steps_left = steps if steps > 0 else 0
        self.until = now + FAST_S
        self.cancelled = ""

    def cancel(self, why: str) -> None:
        """Has the next step be looked at closely."""
        self.steps_left, self.cancelled = 0, why

    @property
    def is_open(self) -> bool:
        """Whether the next step may be noted fast, as far as is known before it ends."""
        return self.steps_left > 0 and monotonic() < self.until
