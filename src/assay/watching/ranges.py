"""Which losses are usual: those of an opening, and a margin above them."""

from __future__ import annotations

import sys
from math import isfinite

ANY = sys.float_info.max
"""The end of a range that is not known yet: infinity lies above it."""

MARGIN = 0.5
"""A loss is out of its range above the highest of the opening by as much as those spread, at least
by this part of it."""


class LossRange:
    """Learns the range of losses in an opening; afterwards `high` is its upper end."""

    __slots__ = ("_ends", "high")

    def __init__(self) -> None:
        self.high = ANY
        self._ends: tuple[float, float] | None = None  # lowest and highest of the opening

    def forget(self) -> None:
        """Learns anew: another training has begun."""
        self.high, self._ends = ANY, None

    def learn(self, loss: float, *, opening: bool) -> None:
        """Takes a loss of the opening as a usual one; the first after it ends the learning."""
        if opening:
            if isfinite(loss):
                low, high = self._ends or (loss, loss)
                self._ends = min(low, loss), max(high, loss)
        elif self._ends is not None and self.high == ANY:
            low, high = self._ends
            self.high = min(high + max(high - low, MARGIN * abs(high)), ANY)

    def widen(self, loss: float) -> None:
        """Takes a loss out of its range as usual: only another one as far above is told of."""
        self.high = min(loss + abs(loss), ANY)
