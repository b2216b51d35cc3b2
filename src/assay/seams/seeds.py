"""Seam: seeding. Tells which generators the script seeds, and with what."""

from __future__ import annotations

import random
import sys
from typing import Any

import torch
from torch import random as torch_random

from .hub import Hub
from .patch import Patches


def install(hub: Hub, patches: Patches) -> None:
    """Wraps the seed functions of torch, of the standard library, and of numpy if it is loaded."""

    def watch(kind: str, keyword: str) -> Any:
        def make(original: Any) -> Any:
            def seed(*args: Any, **kwargs: Any) -> Any:
                if not torch.compiler.is_compiling():
                    value = args[0] if args else kwargs.get(keyword)
                    simple = isinstance(value, (int, float, str, type(None)))
                    hub.say("seed", kind, value if simple else str(value)[:100])
                return original(*args, **kwargs)

            return seed

        return make

    patches.wrap(torch_random, "manual_seed", watch("torch", "seed"))
    patches.wrap(random, "seed", watch("random", "a"))
    numpy_random = sys.modules.get("numpy.random")
    if hasattr(numpy_random, "seed"):
        patches.wrap(numpy_random, "seed", watch("numpy", "seed"))
