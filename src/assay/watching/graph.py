"""What torch's graph tells: a walk over its nodes, what each computes, and what it has kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from math import prod
from typing import Any

import torch

NODES_AT_MOST = 512
"""Nodes next to a loss: its arithmetic, and the end of the model."""
VIEWS_AT_MOST = 8
VIEWS = ("Squeeze", "Unsqueeze", "View", "Reshape", "ReshapeAlias", "UnsafeView", "Alias", "Clone",
         "ToCopy", "Transpose", "Permute", "T", "Expand", "Flatten")  # fmt: skip
"""Operations that give all numbers of the tensor they are given, and no others."""
PARTS = ("Select", "Slice", "Split", "SplitWithSizes", "Unbind", "Index", "IndexSelect", "Gather",
         "Diagonal", "MaskedSelect")  # fmt: skip
"""Operations that give some of the numbers of the tensor they are given, and no others."""


def walk(root: Any, at_most: int = NODES_AT_MOST) -> Iterator[tuple[Any, int]]:
    """Yields the nodes of a graph from its root on, each with a number for the way to it.

    Loops that run the same lines have the same ways in each step.
    """
    waiting: deque[tuple[Any, int]] = deque([(root, hash(root.name()))])
    met = {root}
    while waiting and at_most > 0:
        node, way = waiting.popleft()
        at_most -= 1
        yield node, way
        for index, (child, _) in enumerate(node.next_functions):
            if child is not None and child not in met:
                met.add(child)
                waiting.append((child, hash((way, index, child.name()))))


def operation(node: Any) -> str:
    """Returns what a node computes: `Div`, `NllLoss`, ..."""
    return str(node.name()).rstrip("0123456789").removesuffix("Backward")


def behind_views(node: Any, views: tuple[str, ...] = VIEWS) -> Any:
    """Returns the node that made these numbers, seen through at most 8 views; None without one.

    Args:
        node: Where to begin; None is given back.
        views: The operations to see through.
    """
    for _ in range(VIEWS_AT_MOST):
        if node is None or operation(node) not in views or not node.next_functions:
            return node
        node = node.next_functions[0][0]
    return node


def saved(node: Any, field: str) -> Any:
    """Returns what autograd has kept for a node; None where it has not, or has it no more."""
    try:
        return getattr(node, f"_saved_{field}", None)
    except RuntimeError:  # changed in place since, or freed
        return None


def size_given(node: Any) -> int | None:
    """Returns how many elements an operation was given; None where it does not say."""
    sizes = saved(node, "self_sym_sizes")
    if sizes is not None:
        return prod(map(int, sizes))
    given = saved(node, "self")
    return given.numel() if isinstance(given, torch.Tensor) else None


def shape_of(node: Any, output: int = 0) -> tuple[int, ...] | None:
    """Returns the shape of what an operation gave; None where this torch does not say it."""
    metadata = getattr(node, "_input_metadata", ())
    return tuple(metadata[output].shape) if len(metadata) > output else None
