"""The leaves of a graph: the weights that a backward pass computes gradients for."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

import torch

NODES_AT_MOST = 20_000


def leaves_below(roots: Iterable[Any]) -> list[torch.Tensor]:
    """Returns the leaves whose gradient a backward pass from these roots computes, in order."""
    todo = [root.grad_fn for root in roots if isinstance(root, torch.Tensor)]
    seen: set[Any] = set()
    leaves = []
    while todo and len(seen) < NODES_AT_MOST:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if isinstance(variable, torch.Tensor):
            leaves.append(variable)
        todo += [following for following, _ in node.next_functions]
    return leaves


class Leaf:
    """One weight: the tensor itself, weakly, and its value before the step."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.ref = weakref.ref(tensor)
        self.elements = tensor.numel()
        self.before: torch.Tensor | None = None
        self.gradient: torch.Tensor | None = None

    def changed(self) -> bool:
        """Whether the tensor no longer has the value that it had."""
        tensor = self.ref()
        return (
            tensor is not None
            and self.before is not None
            and not torch.equal(tensor.detach(), self.before)
        )
