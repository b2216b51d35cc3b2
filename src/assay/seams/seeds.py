"""Seam: seeding. Tells which generators the script seeds, and with what."""

from __future__ import annotations

import random
from typing import Any

import torch
from torch import random as torch_random

from .hub import Hub
from .patch import Patches


def install(hub: Hub, patches: Patches) -> None:
    """Wraps torch's and the standard library's seed functions."""

    def torch_seed(original: Any) -> Any:
        def manual_seed(seed: Any) -> Any:
            if not torch.compiler.is_compiling():
                hub.say("seed", "torch", seed)
            return original(seed)

        return manual_seed

    def python_seed(original: Any) -> Any:
        def seed(*args: Any, **kwargs: Any) -> Any:
            hub.say("seed", "random", args[0] if args else kwargs.get("a"))
            return original(*args, **kwargs)

        return seed

    original = torch_random.manual_seed
    patches.wrap(torch_random, "manual_seed", torch_seed)
    patches.alias(torch, "manual_seed", original, torch_random.manual_seed)
    patches.wrap(random, "seed", python_seed)
