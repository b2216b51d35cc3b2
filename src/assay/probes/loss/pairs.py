"""Probe: arithmetic of a loss that holds every prediction against every target."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

import torch

from ...replay.replays import Replays
from ...seams.callsite import line_at
from ...watching.graph import PARTS, VIEWS, behind_views, operation, shape_of
from ...watching.probe import Probe

NODES_AT_MOST = 64
OPERATIONS = ("Sub", "Mul", "Div", "Add")
ARITHMETIC = (*OPERATIONS, "Rsub", "Neg", "Pow", "Abs", "Sqrt", "Log", "Exp", "Clamp", "ClampMin",
              "ClampMax", "Where", "Minimum", "Maximum", "Relu", "Softplus", "Sigmoid",
              "LogSigmoid")  # fmt: skip
WHOLE = ("MeanBackward0", "SumBackward0")
"""Sums and means over all elements, not over one dimension."""


class Pairs(Probe):
    """Writes a `pairs_compared` event for arithmetic between [N] and [N, 1] on the way to a loss.

    The operands' shapes are those that the operations had as they were recorded. Tables made on
    purpose are left alone: of a side that was given its dimension of size 1 by `unsqueeze`, `None`
    or `view`, of two views of the same numbers, and those that are not averaged as a whole.
    """

    name = "pairs"
    sampled: ClassVar = ("backward_begin",)

    def __init__(self, watch: Any) -> None:
        self._replays: Replays = watch.shared(Replays)
        super().__init__(watch)

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Walks over the arithmetic of the loss, from its end up to the first layer."""
        if not isinstance(roots, torch.Tensor) or roots.grad_fn is None or roots.numel() != 1:
            return
        lines = self._replays.lines
        waiting: list[tuple[Any, bool]] = [(roots.grad_fn, False)]
        met: set[Any] = set()
        while waiting and len(met) < NODES_AT_MOST:
            node, inside = waiting.pop()
            if node is None or node in met:
                continue
            met.add(node)
            name = operation(node)
            if inside and name in OPERATIONS and (shapes := lines.shapes(node)):
                if is_table(*shapes) and not _on_purpose(node, *shapes):
                    self._tell(name, node, *shapes)
                continue
            whole = node.name() in WHOLE
            if whole or name in ARITHMETIC or (not inside and name in (*VIEWS, *PARTS)):
                waiting += [(child, inside or whole) for child, _ in node.next_functions]

    def _tell(self, name: str, node: Any, one: torch.Size, other: torch.Size) -> None:
        found = self._replays.lines.where(node)
        line = list(line_at(*found)) if found is not None else None
        self.watch.event_once(
            "pairs_compared", name, tuple(line or ()), len(one), len(other),
            operation=name, one=list(one), other=list(other), line=line,
        )  # fmt: skip


def is_table(one: torch.Size, other: torch.Size) -> bool:
    """Whether two rows of equally many numbers make a table, since they lie along other axes."""
    alike = [size for size in one if size != 1] == [size for size in other if size != 1]
    if not alike or len(one) == len(other) or prod(one) < 2:
        return False
    return prod(torch.broadcast_shapes(one, other)) > prod(one)


def _on_purpose(node: Any, one: torch.Size, other: torch.Size) -> bool:
    """Whether a side was widened by a view, or both are views of the same numbers."""
    sides = [child for child, _ in node.next_functions if child is not None]
    longer = max(one, other, key=len)
    for child in sides:
        if child.name().startswith(("Unsqueeze", "View", "Reshape")) and child.next_functions:
            below = child.next_functions[0][0]
            before = shape_of(below) if below is not None else None
            if (
                shape_of(child) == tuple(longer)
                and before is not None
                and len(before) < len(longer)
            ):
                return True
    origins = [behind_views(child, (*VIEWS, *PARTS)) for child in sides]
    return len(origins) == 2 and origins[0] is origins[1] is not None
