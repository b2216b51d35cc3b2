"""Probe: optimizers of shards: whether they hold them, and whether these are clipped as such."""

from __future__ import annotations

import weakref
from typing import Any, ClassVar

import torch

from ...seams.callsite import user_site
from ...seams.recording import is_shard
from ...watching.probe import Probe

OPTIMIZERS_AT_MOST = 16
CLIPS_AT_MOST = 4
"""Calls that are looked at: the first may lie before the first gradient."""


class Shards(Probe):
    """Event `resharded` for an optimizer that was built too early, `sharded` for one in time.

    And `clipped_shard`, where clip_grad_norm_ was given shards that are no DTensors.
    """

    name = "shards"
    always: ClassVar = ("optimizer_created", "shard_begin", "training_found", "clip")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._optimizers: list[weakref.ref[Any]] = []
        self._replaced: weakref.WeakKeyDictionary[Any, tuple[set[int], Any]]
        self._replaced = weakref.WeakKeyDictionary()
        self._clips = 0

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
        elif any(is_shard(p) or _is_flat_shard(p) for p in held):
            self.watch.event("sharded", training)

    def on_clip(self, kind: str, limit: Any, parameters: Any, total: Any) -> None:
        """Looks whether the norm was that of a part of each parameter."""
        if kind != "norm" or self._clips >= CLIPS_AT_MOST:
            return
        self._clips += 1
        shards = sum(map(_is_flat_shard, parameters))
        if shards and isinstance(total, torch.Tensor):
            norm = float(total) if total.is_cpu else None  # elsewhere it would be waited for
            self.watch.event_once(
                "clipped_shard", count=shards, of=len(parameters), limit=float(limit), norm=norm
            )


def _is_flat_shard(parameter: Any) -> bool:
    """Whether FullyShardedDataParallel has left a part of this parameter on this rank."""
    whole = getattr(parameter, "_unpadded_unsharded_size", None)
    return whole is not None and parameter.numel() < whole.numel()


def _held(optimizer: Any) -> list[Any]:
    return [p for group in optimizer.param_groups for p in group["params"]]
