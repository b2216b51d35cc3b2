"""The trick `seed`."""

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING, Any

from ..base import Option, Trick

if TYPE_CHECKING:
    from ..stage import Stage


class Seed(Trick):
    """Seeds every global random generator, whatever the script does about it.

    ## What it does
    Seeds torch (all devices), Python's `random` and, if it is loaded, numpy at the start; where
    the script seeds one of them itself, with this value instead of its own. DataLoader workers
    seed their generators from torch's, so they follow.

    ## Formula
    None. Source: the PyTorch notes on reproducibility.

    ## When
    A run has to be repeated exactly, or on another seed, without editing the script.

    ## Cost
    None.

    ## Conflicts and order
    Before everything else. A `torch.Generator` or numpy `Generator` that the script makes and
    seeds by itself keeps its own seed.

    ## Common mistakes
    Taking one seed for a result: two seeds of the same set-up differ, often by more than a trick
    gains.
    """

    name = "seed"
    family = "data"
    value = Option("value", int, 0, 0, 2**32 - 1, help="seed")

    def attach_to(self, stage: Stage) -> None:
        """Seeds now, and answers for the script's own seeding."""
        import torch
        from torch import random as torch_random

        value = int(self.given.value)
        generators: list[tuple[Any, str]] = [(torch_random, "manual_seed"), (random, "seed")]
        numpy_random = sys.modules.get("numpy.random")
        if hasattr(numpy_random, "seed"):
            generators.append((numpy_random, "seed"))
        torch.manual_seed(value)
        random.seed(value)
        if numpy_random is not None:
            numpy_random.seed(value)

        def instead(original: Any) -> Any:
            def seed(*args: Any, **kwargs: Any) -> Any:
                return original(value)

            return seed

        for owner, name in generators:
            stage.patches.wrap(owner, name, instead)
