"""Processes that step together, and how a trick decides the same on all of them.

A rank that stops or skips alone leaves the others waiting, or with other weights. So whatever
a trick decides from numbers that ranks may not share is decided by all of them at once, where all
of them are: right before a step. Who they are is not guessed, since a collective that one of them
does not join never ends.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .stage import Stage

UNKNOWN = (
    "this process trains beside others, and nothing says which of them step together: no "
    "DistributedDataParallel, no sharded weights, no all_reduce between backward() and step()"
)
JOINED = "inside join() a rank that has no more data steps without the others"


class Together:
    """Which processes step together with this one.

    Those of a model that DistributedDataParallel wraps or `fully_shard` shards; else those with
    which the script itself calls `all_reduce` between a backward pass and the step.

    Args:
        stage: where the trick acts.
        trick: its name, for what it refuses.
    """

    def __init__(self, stage: Stage, trick: str) -> None:
        self._stage, self._trick = stage, trick
        self.wrappers: weakref.WeakSet[Any] = weakref.WeakSet(stage.wrappers)
        self._found: weakref.WeakKeyDictionary[Any, tuple[int, list[Any]]]
        self._found = weakref.WeakKeyDictionary()
        self._reducing: list[Any] = []  # groups in which the script has averaged since backward()
        self._asked = True  # since the last backward pass: what comes now is not for its step
        stage.on("replicated", self._replicated)
        stage.on("reduced", self._reduced)
        stage.on("backward_begin", self._backward)

    def _replicated(self, wrapper: Any) -> None:
        self.wrappers.add(wrapper)

    def _backward(self, roots: Any, kept: Any) -> None:
        if self._asked:
            self._reducing.clear()
            self._asked = False

    def _reduced(self, group: Any) -> None:
        if not self._asked and group not in self._reducing:
            self._reducing.append(group)

    def wrappers_of(self, optimizer: Any) -> list[Any]:
        """Returns the replicated models whose parameters this optimizer holds."""
        if not self.wrappers:
            return []
        number, found = self._found.get(optimizer, (0, []))
        if number != len(self.wrappers):
            held = {id(p) for group in optimizer.param_groups for p in group["params"]}
            found = [w for w in self.wrappers if any(id(p) in held for p in w.module.parameters())]
            self._found[optimizer] = len(self.wrappers), found
        return found

    def groups(self, optimizer: Any) -> list[Any] | None:
        """Returns the process groups whose ranks step together; empty for a process alone.

        What is agreed in each of them, one after the other, is agreed by all: the groups of a
        mesh's dimensions reach every rank of it. None where nothing tells.
        """
        self._asked = True
        if world_size() == 1:
            return []
        wrappers = self.wrappers_of(optimizer)
        if wrappers:
            if any(getattr(w._join_config, "enable", False) for w in wrappers):
                self._stage.refuse(self._trick, JOINED)
            return list(dict.fromkeys(wrapper.process_group for wrapper in wrappers))
        for group in optimizer.param_groups:
            for p in group["params"]:
                mesh = getattr(p, "device_mesh", None)
                if mesh is not None:
                    return list(mesh.get_all_groups())
        return list(self._reducing) or None

    def largest(self, optimizer: Any, *numbers: float) -> list[float]:
        """Returns the largest of each number over all ranks; refuses where nothing tells which."""
        return self._agree(optimizer, numbers, "MAX")

    def sums(self, optimizer: Any, *numbers: float) -> list[float]:
        """Returns the sum of each number over all ranks; refuses where nothing tells which."""
        return self._agree(optimizer, numbers, "SUM")

    def any(self, optimizer: Any, *, flag: bool) -> bool:
        """Whether the flag is set on one of the ranks at least; the same answer on all of them."""
        return bool(self.largest(optimizer, float(flag))[0])

    def _agree(self, optimizer: Any, numbers: tuple[float, ...], how: str) -> list[float]:
        groups = self.groups(optimizer)
        if groups is None:
            self._stage.refuse(self._trick, UNKNOWN)
        if not groups:
            return list(numbers)
        import torch
        from torch import distributed

        device = next(p.device for group in optimizer.param_groups for p in group["params"])
        exact = torch.float32 if device.type == "mps" else torch.float64
        agreed = torch.tensor(numbers, dtype=exact, device=device)
        for group in groups:
            distributed.all_reduce(agreed, getattr(distributed.ReduceOp, how), group)
        return [float(number) for number in agreed.tolist()]


def world_size() -> int:
    """Returns how many processes are in the default group; 1 where there is none."""
    from torch import distributed

    if not distributed.is_available() or not distributed.is_initialized():
        return 1
    return distributed.get_world_size()
