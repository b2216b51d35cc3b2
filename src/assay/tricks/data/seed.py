"""The trick `seed`."""

from __future__ import annotations

import os
import random
import sys
from multiprocessing import parent_process
from typing import TYPE_CHECKING, Any

from ..base import Trick, value
from ..together import world_size

if TYPE_CHECKING:
    from types import FrameType

    from ..stage import Stage

WORKER = "torch.utils.data._utils.worker"


class Seed(Trick):
    """Seeds every global random generator, whatever the script does about it.

    ## What it does
    Seeds torch (all devices) and Python's `random` at the start, and numpy as soon as it is loaded;
    where the script seeds one of them itself, with this value instead of its own. DataLoader
    workers seed their generators from torch's, each with a number of its own, so they follow. Ranks
    that are alike stay alike, and ranks that differ differ: where several processes train together
    the value is added to what the script seeds with, and without any seed of the script's each rank
    gets the value plus its number.

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
    seed: int = value(default=0, low=0, high=2**32 - 1, help="seed")

    def attach_to(self, stage: Stage) -> None:
        """Seeds now, and answers for the script's own seeding."""
        import torch
        from torch import random as torch_random

        from ...seams.late import when_loaded

        rank, ranks = (int(os.environ.get(name) or 0) for name in ("RANK", "WORLD_SIZE"))
        value = int(self.seed)
        first = value + rank

        seeding = False  # torch's seeds those of the devices with the same number

        def seed_of(given: Any) -> int:
            """Returns the seed in place of the script's own; of several ranks they may differ."""
            several = ranks > 1 or world_size() > 1 or parent_process() is not None
            return (value + given) % 2**32 if several and isinstance(given, int) else value

        def instead(original: Any) -> Any:
            def seed(*args: Any, **kwargs: Any) -> Any:
                nonlocal seeding
                if seeding or _in_a_worker():
                    return original(*args, **kwargs)
                given = [*args, *kwargs.values()]
                seeding = True
                try:
                    return original(seed_of(given[0] if given else None))
                finally:
                    seeding = False

            return seed

        def never_random(original: Any) -> Any:
            def seed() -> int:
                if _in_a_worker():
                    return int(original())
                nonlocal seeding
                seeding = True
                try:
                    return int(torch.manual_seed(first).initial_seed())
                finally:
                    seeding = False

            return seed

        def numpy_too(numpy_random: Any) -> None:
            numpy_random.seed(first)
            stage.patches.wrap(numpy_random, "seed", instead)

        torch.manual_seed(first)
        random.seed(first)
        stage.patches.wrap(torch_random, "manual_seed", instead)
        stage.patches.wrap(torch_random, "seed", never_random)
        stage.patches.wrap(random, "seed", instead)
        for device in (torch.cuda, torch.mps, torch.xpu):
            for name in ("manual_seed", "manual_seed_all"):
                if hasattr(device, name):
                    stage.patches.wrap(device, name, instead)
        when_loaded("numpy.random", numpy_too, stage.patches)


def _in_a_worker() -> bool:
    """Whether this is a DataLoader's worker: it gives each generator a seed of its own."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_globals.get("__name__") != WORKER:
        frame = frame.f_back
    return frame is not None
