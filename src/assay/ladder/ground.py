"""What the rungs stand on: what was stored, the time that is left, and what lower ones found."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

from .collecting import Collecting
from .descent import Descent
from .stored import Stored


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
    """

    seen: Collecting
    until: float
    rung_s: float
    asked: Stored | None = None
    best: Descent | None = None
    rate: float = 1e-2
    gained: dict[str, float] = field(default_factory=dict)

    def time(self) -> float:
        """Returns when the rung that begins now has to be done."""
        return min(monotonic() + self.rung_s, self.until)

    @property
    def trained(self) -> set[int]:
        """Weights that gradients reach in the script."""
        return {
            key for batch in self.seen.batches for slot, key in batch.weights.items()
            if batch.tape.given[slot].requires_grad
        }  # fmt: skip
