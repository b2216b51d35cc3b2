"""Seam: DataLoader iteration, batch by batch."""

from __future__ import annotations

import weakref
from contextlib import suppress
from time import perf_counter
from typing import Any

from torch.utils.data import dataloader

from .hub import Hub
from .patch import Patches


def install(hub: Hub, patches: Patches) -> None:
    """Wraps construction, the start of an iteration, and the `__next__` of all loader iterators."""
    heard, changed = hub.listeners, hub.filters["batch"]
    # weakly: a loader that we kept would keep its workers alive
    origin: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    def created(original: Any) -> Any:
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            original(self, *args, **kwargs)
            hub.emit("loader_created", self)

        return __init__

    def begin(original: Any) -> Any:
        def __iter__(self: Any) -> Any:
            hub.emit("loader_begin", self)
            iterator = original(self)
            with suppress(TypeError):  # a loader of the user's own kind may return any iterator
                origin[iterator] = weakref.ref(self)
            return iterator

        return __iter__

    def following(original: Any) -> Any:
        def __next__(self: Any) -> Any:
            if not heard["batch"] and not changed and not heard["loader_end"]:
                return original(self)
            start = perf_counter()
            try:
                batch = original(self)
            except StopIteration:
                hub.emit("loader_end", self)
                raise
            known = origin.get(self)
            loader = known() if known is not None else None
            if changed:
                batch = hub.apply_filters("batch", batch, loader)
            hub.emit("batch", loader, batch, perf_counter() - start)
            return batch

        return __next__

    patches.wrap(dataloader.DataLoader, "__init__", created)
    patches.wrap(dataloader.DataLoader, "__iter__", begin)
    patches.wrap(dataloader._BaseDataLoaderIter, "__next__", following)
