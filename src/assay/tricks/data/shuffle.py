"""The trick `shuffle`."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from ..base import Trick

if TYPE_CHECKING:
    from ..stage import Stage


class Shuffle(Trick):
    """Draws training batches in a new random order each epoch.

    ## What it does
    A DataLoader that reads in order and is iterated with gradients on gets a random sampler, the
    same that `DataLoader(shuffle=True)` has. A DistributedSampler is told to shuffle, and the
    number of the epoch (`set_epoch`) where the script does not tell it: without it each epoch has
    the order of the first. Loaders of evaluations, iterated with gradients off, stay.

    ## Formula
    A fresh uniform permutation per epoch (random reshuffling). Source: Bottou 2009, "Curiously Fast
    Convergence of some Stochastic Gradient Descent Algorithms".

    ## When
    The check `data-not-shuffled` has found batches that hold one class each.

    ## Cost
    A permutation of the indices per epoch; reading files out of order may be slower.

    ## Conflicts and order
    Refused where the script slices its batches by hand: there is no loader to change.

    ## Common mistakes
    Shuffling time series that are read in order for a reason.
    """

    name = "shuffle"
    family = "data"

    def attach_to(self, stage: Stage) -> None:
        """Exchanges the sampler when an iteration begins."""
        import torch
        from torch.utils.data import DistributedSampler, RandomSampler, SequentialSampler

        met = {"loader": False, "backward": False}
        epochs: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()

        def distributed(sampler: Any) -> None:
            """Counts on from the last epoch, unless the script has set another one."""
            if not sampler.shuffle:
                sampler.shuffle = True
                stage.note("shuffled", size=len(sampler.dataset))
                stage.patches.on_undo(lambda: setattr(sampler, "shuffle", False))
            if epochs.get(sampler) == sampler.epoch:
                sampler.set_epoch(sampler.epoch + 1)
            epochs[sampler] = sampler.epoch

        def begin(loader: Any) -> None:
            met["loader"] = True
            # a loader of single samples has no batches: its own sampler is what it reads by
            batches = getattr(loader, "batch_sampler", None)
            owner = loader if batches is None else batches
            sampler = getattr(owner, "sampler", None)
            if not torch.is_grad_enabled():
                return
            if isinstance(sampler, DistributedSampler):
                distributed(sampler)
            elif isinstance(sampler, SequentialSampler):
                shuffled = RandomSampler(loader.dataset, generator=loader.generator)
                object.__setattr__(owner, "sampler", shuffled)  # a loader refuses to be changed
                stage.note("shuffled", size=len(loader.dataset))

                def put_back(owner: Any = owner, sampler: Any = sampler) -> None:
                    object.__setattr__(owner, "sampler", sampler)

                stage.patches.on_undo(put_back)

        def check(roots: Any, kept: Any) -> None:
            if not met["loader"] and not met["backward"]:
                stage.refuse(self.name, "the script has no DataLoader to shuffle")
            met["backward"] = True

        stage.on("loader_begin", begin)
        stage.on("backward_begin", check)
