"""The trick `warmup`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..base import Suggestion, alike, value
from .effective import Rate
from .trick import RateTrick

if TYPE_CHECKING:
    from ...journal.view import Training
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
    explore = ("",)
    steps: int = value(low=1, help="steps until the full rate")

    @classmethod
    def suggest(cls, training: Training, proposed: str = "") -> Iterator[Suggestion]:
        """Suggests the check's length, or twice as long as the first steps went wrong."""
        yield from super().suggest(training, proposed)
        if proposed:
            return
        most = max(training.steps // 5, 1)
        opening = training.series("step_quality").between(0, most)
        bad = [step for step, quality in opening if not quality >= 0]  # nan too: a step uphill
        if bad:
            length = min(max(2 * (bad[-1] + 1), 10), most)
            why = f"twice as long as steps made the loss worse, up to step {bad[-1]}"
        else:
            length = min(max(training.steps // 10, 5), most)
            why = "a tenth of the steps"
        yield Suggestion(str(length), why)
        if not alike(2 * most, length):
            yield Suggestion(str(2 * most), "two fifths of the steps")

    def attach_to(self, stage: Stage) -> None:
        """Takes its place behind all other tricks on the rate, and tells them how long it takes."""
        super().attach_to(stage)
        assert self._desk is not None
        self._desk.warmup = self.steps
        stage.patches.on_undo(lambda: setattr(self._desk, "warmup", 0))

    def change(self, optimizer: Any, step: int, rates: list[Rate]) -> None:
        """Scales the first steps."""
        if step < self.steps:
            for rate in rates:
                rate.now *= (step + 1) / self.steps
