"""Seam: DataLoader iteration, batch by batch; the indices it draws; workers that are ready."""

from __future__ import annotations

import weakref
from contextlib import suppress
from time import perf_counter
from typing import Any

from torch.utils.data import dataloader, get_worker_info

from .hub import Hub
from .on_demand import put_on_demand
from .patch import Patches


def install(hub: Hub, patches: Patches) -> None:
    """Wraps construction, the start of an iteration, and the `__next__` of all loader iterators."""
    heard, changed = hub.listeners, hub.changes.filters["batch"]
    # weakly: a loader that we kept would keep its workers alive
    origin: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
    starting: list[Any] = []  # loaders whose iterator draws its first indices while it is built

    def created(original: Any) -> Any:
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            original(self, *args, **kwargs)
            hub.emit("loader_created", self)

        return __init__

    def begin(original: Any) -> Any:
        def __iter__(self: Any) -> Any:
            hub.emit("loader_begin", self)
            starting.append(self)
            try:
                iterator = original(self)
            finally:
                starting.pop()
            with suppress(TypeError):  # a loader of the user's own kind may return any iterator
                origin[iterator] = weakref.ref(self)
            hub.emit("loader_begun", self, iterator)
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
                batch = hub.changes.apply("batch", batch, loader)
            hub.emit("batch", loader, batch, perf_counter() - start)
            return batch

        return __next__

    def drawn(original: Any) -> Any:
        def _next_index(self: Any) -> Any:
            loader = starting[-1] if starting else None
            try:
                indices = original(self)
            except StopIteration:
                hub.emit("indices", loader, self, None)
                raise
            hub.emit("indices", loader, self, indices)
            return indices

        return _next_index

    def ready(original: Any) -> Any:
        def create_fetcher(*args: Any, **kwargs: Any) -> Any:
            fetcher = original(*args, **kwargs)
            if heard["worker_ready"] and (worker := get_worker_info()) is not None:
                hub.emit("worker_ready", worker)
            return fetcher

        return create_fetcher

    put_on_demand(hub, patches, "indices", [(dataloader._BaseDataLoaderIter, "_next_index")], drawn)
    patches.wrap(dataloader._DatasetKind, "create_fetcher", ready)
    patches.wrap(dataloader.DataLoader, "__init__", created)
    patches.wrap(dataloader.DataLoader, "__iter__", begin)
    patches.wrap(dataloader._BaseDataLoaderIter, "__next__", following)
