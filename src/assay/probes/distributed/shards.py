"""Probe: optimizers whose parameters fully_shard has replaced by shards."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

from ...seams.callsite import user_site
from ...seams.recording import is_shard
from ...watching.probe import Probe

OPTIMIZERS_AT_MOST = 16


class Shards(Probe):
    """Event `resharded` for an optimizer that was built too early, `sharded` for one in time."""

    name = "shards"
    always: ClassVar = ("optimizer_created", "shard_begin", "training_found")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._optimizers: list[weakref.ref[Any]] = []
        self._replaced: weakref.WeakKeyDictionary[Any, tuple[set[int], Any]]
        self._replaced = weakref.WeakKeyDictionary()

    def on_optimizer_created(self, optimizer: Any) -> None:
        """Notes which optimizers there are before anything is sharded."""
        self._optimizers = [ref for ref in self._optimizers if ref() is not None]
        if len(self._optimizers) < OPTIMIZERS_AT_MOST:
            self._optimizers.append(weakref.ref(optimizer))

    def on_shard_begin(self, module: Any) -> None:
        """Looks for optimizers that hold what is about to be replaced."""
        going = {id(p) for p in module.parameters() if not is_shard(p)}
        for ref in self._optimizers:
            optimizer = ref()
            if optimizer is not None and (lost := going & set(map(id, _held(optimizer)))):
                known, site = self._replaced.get(optimizer, (set(), None))
                self._replaced[optimizer] = known | lost, site or user_site(2)

    def on_training_found(self, training: Any, optimizer: Any) -> None:
        """At its first step: says whether an optimizer holds shards, or what was there before."""
        held = _held(optimizer)
        lost, site = self._replaced.get(optimizer, (set(), None))
        count = sum(id(p) in lost for p in held)
        if count and all(p.grad is None for p in held):
            self.watch.event(
                "resharded", training, count=count, of=len(held), by=list(site) if site else None
            )
        elif any(map(is_shard, held)):
            self.watch.event("sharded", training)


def _held(optimizer: Any) -> list[Any]:
    return [p for group in optimizer.param_groups for p in group["params"]]
