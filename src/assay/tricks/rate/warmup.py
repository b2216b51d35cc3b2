"""The trick `warmup`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Option
from .effective import Rate
from .trick import RateTrick

if TYPE_CHECKING:
    from ..stage import Stage


class Warmup(RateTrick):
    """Raises the learning rate on a line from near 0 to its value over the first steps.

    ## What it does
    Multiplies the rate of the first W steps by (t + 1) / W. Whatever the script's scheduler or the
    trick `schedule` say is scaled, not replaced; a schedule given beside it begins when the warm-up
    has ended.

    ## Formula
    `rate_t <- rate_t * min(1, (t + 1) / W)`, t = 0 for the first step. Goyal et al. 2017,
    "Accurate, Large Minibatch SGD", section 2.2; for Adam: Ma and Yarats 2019, "On the adequacy of
    untuned warmup for adaptive optimization", whose rule of thumb is `W = 2 / (1 - beta2)` steps.

    ## When
    The loss jumps or sticks within the first steps and not later; transformers; large batches; a
    rate that is near the largest stable one.

    ## Cost
    One multiplication per group and step.

    ## Conflicts and order
    Last of the tricks on the rate. Steps that a GradScaler leaves out are not counted.

    ## Common mistakes
    Starting at t / W: the first step then does nothing. torch's `LinearLR` begins at a third of the
    rate by default, which is hardly a warm-up, and refuses to begin at 0.
    """

    name = "warmup"
    family = "rate"
    value = Option("value", int, low=1, required=True, help="steps until the full rate")

    def attach_to(self, stage: Stage) -> None:
        """Takes its place behind all other tricks on the rate, and tells them how long it takes."""
        super().attach_to(stage)
        assert self._desk is not None
        self._desk.warmup = self.given.value
        stage.patches.on_undo(lambda: setattr(self._desk, "warmup", 0))

    def change(self, optimizer: Any, step: int, rates: list[Rate]) -> None:
        """Scales the first steps."""
        if step < self.given.value:
            for rate in rates:
                rate.now *= (step + 1) / self.given.value
