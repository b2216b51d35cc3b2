"""How the ranks of one model gather a window: locally, and averaged once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

from ..together import Together

if TYPE_CHECKING:
    from torch import Tensor

    from ..stage import Stage
    from .window import Window, Windows

UNEQUAL = (
    "the script averages gradients over ranks by hand, and the losses of a step were means over "
    "unequal numbers of targets; DistributedDataParallel can be told"
)


class Ranks:
    """What an accumulation does beside others; nothing for a process alone.

    Where DistributedDataParallel wraps the model, batches whose step is held back are passed
    backward under its `no_sync()`, and the window's mean is one over the targets of all ranks.
    """

    def __init__(self, stage: Stage, name: str, windows: Windows) -> None:
        self._stage, self._name, self._windows = stage, name, windows
        self._together = Together(stage, name)
        self._local = False  # the gradients are this rank's own so far
        self._met = False
        stage.on("replicated", self._replicated)
        if stage.wrappers:
            self._replicated()

    def _replicated(self, wrapper: Any = None) -> None:
        if not self._met:
            self._met = True
            self._stage.around("root_call", self._unsynchronised)

    def _unsynchronised(self, module: Any) -> AbstractContextManager[Any]:
        """Returns what a call of the model stands in: no_sync() while steps are held back."""
        import torch

        stack = ExitStack()
        if torch.is_grad_enabled():
            windows = self._windows.all()
            held = bool(windows) and all(known.will_hold for known in windows)
            # a static graph is learnt in passes that are averaged
            silent = [w for w in self._together.wrappers if held and not w.static_graph]
            self._local = bool(silent)
            for wrapper in silent:
                stack.enter_context(wrapper.no_sync())
        return stack

    def agree_on_reference(self, known: Window, targets: float) -> None:
        """Has all ranks divide their losses by the same number, from the first pass on."""
        optimizer = known.optimizer()
        if known.reference is None and optimizer is not None and self._replicas(optimizer):
            known.reference = self._together.largest(optimizer, targets)[0] or 1.0

    def agree(self, known: Window, targets: float, passes: float, steps: float) -> Sequence[float]:
        """Returns targets, passes, steps and the number of ranks that a window's mean is over."""
        optimizer = known.optimizer()
        if self._replicas(optimizer):
            return self._together.sums(optimizer, targets, passes, steps, 1.0)
        if self._together.groups(optimizer):
            factor = known.divisor * passes / (targets * steps) if targets else 0.0
            high, low = self._together.largest(optimizer, factor, -factor)
            if high != -low:
                self._stage.refuse(self._name, UNEQUAL)
        return targets, passes, steps, 1.0

    def average_what_is_local(self, optimizers: Sequence[Any]) -> None:
        """Averages the gradients of windows that end early, as backward() would have done."""
        if not self._local:
            return
        self._local = False
        found = [wrapper for optimizer in optimizers for wrapper in self._replicas(optimizer)]
        for wrapper in dict.fromkeys(found):
            kinds: dict[Any, list[Tensor]] = {}
            for p in wrapper.parameters():
                if p.requires_grad:
                    kinds.setdefault((p.dtype, p.device), []).append(p)
            for weights in kinds.values():
                _average(weights, wrapper.process_group)

    def _replicas(self, optimizer: Any) -> list[Any]:
        return self._together.wrappers_of(optimizer) if optimizer is not None else []


def _average(weights: list[Tensor], group: Any) -> None:
    """Averages the gradients of parameters of one type over a process group."""
    import torch
    from torch import distributed

    with torch.no_grad():
        # another rank may have a gradient where this one has none
        parts = [torch.zeros_like(w) if w.grad is None else w.grad for w in weights]
        flat = torch.cat([part.reshape(-1) for part in parts])
        flat.mul_(1 / distributed.get_world_size(group))
        distributed.all_reduce(flat, group=group)
        means = torch.split(flat, [w.numel() for w in weights])
        for w, mean in zip(weights, means, strict=True):
            if w.grad is not None:
                w.grad.copy_(mean.view_as(w))
            elif mean.any():
                w.grad = mean.view_as(w).clone()
