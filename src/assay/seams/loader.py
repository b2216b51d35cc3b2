"""Seam: DataLoader iteration, batch by batch."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from torch.utils.data import dataloader

from .hub import Hub
from .patch import Patches


def install(hub: Hub, patches: Patches) -> None:
    """Wraps the start of an iteration and the one `__next__` that all loader iterators share."""
    heard, changed = hub.listeners, hub.filters["batch"]
    origin: dict[int, Any] = {}

    def begin(original: Any) -> Any:
        def __iter__(self: Any) -> Any:
            hub.say("loader_begin", self)
            iterator = original(self)
            if len(origin) > 64:
                origin.clear()
            origin[id(iterator)] = self
            return iterator

        return __iter__

    def following(original: Any) -> Any:
        def __next__(self: Any) -> Any:
            if not heard["batch"] and not changed:
                return original(self)
            start = perf_counter()
            batch = original(self)
            loader = origin.get(id(self))
            if changed:
                batch = hub.passed("batch", batch, loader)
            hub.say("batch", loader, batch, perf_counter() - start)
            return batch

        return __next__

    patches.wrap(dataloader.DataLoader, "__iter__", begin)
    patches.wrap(dataloader._BaseDataLoaderIter, "__next__", following)
