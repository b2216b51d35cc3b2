"""Seam: seeding. Tells which generators the script seeds, and shifts the seeds in a trial."""

from __future__ import annotations

import random
import sys
from typing import Any

import torch
from torch import random as torch_random

from .hub import Hub
from .late import when_loaded
from .patch import Patches


def install(hub: Hub, patches: Patches) -> None:
    """Wraps the seed functions of torch, of the standard library, and of numpy if it is loaded."""

    def announce(kind: str, keyword: str) -> Any:
        def make(original: Any) -> Any:
            def seed(*args: Any, **kwargs: Any) -> Any:
                if not torch.compiler.is_compiling():
                    value = args[0] if args else kwargs.get(keyword)
                    simple = isinstance(value, (int, float, str, type(None)))
                    hub.emit("seed", kind, value if simple else str(value)[:100])
                    if hub.changes.filters["seed"]:
                        kwargs.pop(keyword, None)
                        args = (hub.changes.apply("seed", value, kind), *args[1:])
                return original(*args, **kwargs)

            return seed

        return make

    patches.wrap(torch_random, "manual_seed", announce("torch", "seed"))
    patches.wrap(random, "seed", announce("random", "a"))

    def numpy_too(numpy_random: Any) -> None:
        if hasattr(numpy_random, "seed"):
            patches.wrap(numpy_random, "seed", announce("numpy", "seed"))

    when_loaded("numpy.random", numpy_too, patches)


def pair(hub: Hub, patches: Patches, offset: int) -> None:
    """Makes this process run number `offset` of its script: every seed s becomes s + offset.

    Generators that the script never seeds begin at a fixed state, so that two runs of one offset
    draw the same numbers whether their script seeds or not. Out of reach: a `torch.Generator` that
    the script seeds itself and `numpy.random.RandomState`, both of which are types that can't be
    stood in for; runs that draw from these only are alike, whatever the offset.
    """

    def shifted(value: Any, kind: str) -> Any:
        if value is None:
            return offset
        if hasattr(value, "__index__"):
            moved = value.__index__() + offset
            return moved % 2**32 if kind == "numpy" else moved
        if not offset:
            return value
        if isinstance(value, (str, bytes, bytearray)):
            return str(value) + f"+{offset}"
        if isinstance(value, float):
            return value + offset
        try:
            return [*value, offset]  # numpy takes a list of numbers as one seed
        except TypeError:
            return value

    def own_generator(original: Any) -> Any:
        def default_rng(seed: Any = None) -> Any:
            plain = seed is None or hasattr(seed, "__index__") or isinstance(seed, (list, tuple))
            return original(shifted(seed, "generator") if plain else seed)

        return default_rng

    def never_random(original: Any) -> Any:
        def seed() -> int:
            torch.manual_seed(0)
            return torch.initial_seed()

        return seed

    def numpy_too(numpy_random: Any) -> None:
        if hasattr(numpy_random, "default_rng"):
            patches.wrap(numpy_random, "default_rng", own_generator)
            with hub.silence():
                numpy_random.seed(0)

    def on_device(original: Any) -> Any:
        def seed(value: Any) -> Any:
            callers = [sys._getframe(depth).f_globals.get("__name__") for depth in (1, 2, 3)]
            # torch.manual_seed passes on what has been shifted already
            return original(value if "torch.random" in callers else shifted(value, "cuda"))

        return seed

    hub.changes.filters["seed"].append(shifted)
    patches.on_undo(lambda: hub.changes.filters["seed"].remove(shifted))
    with hub.silence():  # these seeds, shifted like any other, are not the script's
        torch.manual_seed(0)
        random.seed(0)
    patches.wrap(torch_random, "seed", never_random)
    patches.wrap(torch.cuda.random, "manual_seed", on_device)
    patches.wrap(torch.cuda.random, "manual_seed_all", on_device)
    when_loaded("numpy.random", numpy_too, patches)
