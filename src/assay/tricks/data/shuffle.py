"""The trick `shuffle`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick

if TYPE_CHECKING:
    from ..stage import Stage


class Shuffle(Trick):
    """Draws training batches in a new random order each epoch.

    ## What it does
    A DataLoader that reads in order and is iterated with gradients on gets a random sampler, the
    same that `DataLoader(shuffle=True)` has. Loaders of evaluations, iterated with gradients off,
    stay.

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
        from torch.utils.data import RandomSampler, SequentialSampler

        met = {"loader": False, "backward": False}

        def begin(loader: Any) -> None:
            met["loader"] = True
            # a loader of single samples has no batches: its own sampler is what it reads by
            batches = getattr(loader, "batch_sampler", None)
            owner = loader if batches is None else batches
            sampler = getattr(owner, "sampler", None)
            if not torch.is_grad_enabled():
                return
            if isinstance(sampler, SequentialSampler):
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
