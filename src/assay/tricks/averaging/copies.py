"""Float32 copies of the parameters that optimizers hold."""

from __future__ import annotations

import weakref
from operator import is_
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from ..stage import Stage


class Copies:
    """One float32 copy of each parameter, whatever its own precision, and which are whose."""

    def __init__(self) -> None:
        self.parameters: list[Tensor] = []
        self.values: list[Tensor] = []
        self._known: set[int] = set()
        self._held: weakref.WeakKeyDictionary[Any, tuple[list[Tensor], ...]] = (
            weakref.WeakKeyDictionary()
        )

    def begun_by(self, optimizer: Any) -> tuple[list[Tensor], list[Tensor]]:
        """Returns the optimizer's parameters and their copies; what has none yet gets one."""
        own = [p for group in optimizer.param_groups for p in group["params"]]
        known = self._held.get(optimizer)
        if known is None or len(known[0]) != len(own) or not all(map(is_, known[0], own)):
            for p in own:
                if id(p) not in self._known and p.is_floating_point():
                    self._begin(p)
            known = self._held[optimizer] = (own, *self.held_by(optimizer))
        return known[1], known[2]

    def held_by(self, optimizer: Any) -> tuple[list[Tensor], list[Tensor]]:
        """Returns the optimizer's parameters that have a copy by now, and the copies."""
        ids = {id(p) for group in optimizer.param_groups for p in group["params"]}
        pairs = zip(self.parameters, self.values, strict=True)
        mine = [(p, value) for p, value in pairs if id(p) in ids]
        return [p for p, _ in mine], [value for _, value in mine]

    def _begin(self, p: Tensor) -> None:
        import torch

        self._known.add(id(p))
        self.parameters.append(p)
        self.values.append(p.detach().to(torch.float32, copy=True))

    @staticmethod
    def move(averages: list[Tensor], weights: list[Tensor], share: float) -> None:
        """Moves averages towards the weights, by this share of what is between them."""
        import torch

        full = torch.float32
        with torch.no_grad():
            # a cast that does nothing would still be a call into torch per weight
            targets = [p if p.dtype is full else p.float() for p in weights]
            torch._foreach_lerp_(averages, targets, share)


def refuse_shards(optimizer: Any, stage: Stage, trick: str) -> None:
    """Refuses an optimizer of sharded weights, in a trick's name."""
    held = (p for group in optimizer.param_groups for p in group["params"])
    if any(hasattr(p, "to_local") for p in held):
        why = "the weights are shards (fully_shard): a forward pass may use whole ones that were "
        stage.refuse(trick, why + "put together before the averages took their place")
