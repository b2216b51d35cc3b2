"""What the rungs stand on: what was stored, the time that is left, and what lower ones found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import monotonic

from .collecting import Collecting
from .descent import STEPS, Descent, robust
from .stored import Stored

ROUNDS, RATE = 4, 1e-2


@dataclass(slots=True)
class Ground:
    """Everything that a rung may look at.

    Attributes:
        seen: What was stored.
        until: When the last rung has to be done, by `monotonic`.
        asked: The batch that is learnt by heart.
        best: What the robust optimizer made of it; None before that rung.
        rate: The rate that did.
        rung_s: Seconds for one rung.
        whole: What the robust optimizer made of all batches; None where it was not asked.
    """

    seen: Collecting
    until: float
    rung_s: float
    asked: Stored | None = None
    best: Descent | None = None
    rate: float = RATE
    whole: Descent | None = None

    def time(self) -> float:
        """Returns when the rung that begins now has to be done."""
        return min(monotonic() + self.rung_s, self.until)

    @property
    def batches(self) -> list[Stored]:
        """What is learnt: batches whose loss was finite in the script; all, where none was."""
        finite = [one for one in self.seen.batches if math.isfinite(one.value)]
        return finite or self.seen.batches

    def over_all(self) -> Descent:
        """Returns what the robust optimizer makes of all batches in turn; trained once.

        Raises:
            NotReplayable: why one can't be computed.
        """
        if self.whole is None:
            batches = self.batches
            steps = max(STEPS, ROUNDS * len(batches))
            self.whole = robust(batches, self.seen.weights.first, self.trained.__contains__,
                                min(self.rate, RATE), steps=steps, until=self.time())  # fmt: skip
        return self.whole

    def why_no_measure(self) -> str | None:
        """Returns why what optimizers reach can't be compared; None if it can."""
        best = self.best
        if best is None:
            return "no gradient reaches a weight"
        if self.asked is not None and not self.asked.level:
            if best.last < -10 * abs(best.first):
                return "the loss falls without end, so that no two can be compared"
            if not best.last < best.first:
                return "a robust optimizer does not get this loss down, of which no least is known"
        return None

    @property
    def trained(self) -> set[int]:
        """Weights that gradients reach in the script."""
        return set().union(*(batch.trained for batch in self.seen.batches))
