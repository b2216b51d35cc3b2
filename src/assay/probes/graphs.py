"""What probes share that look at the graph of a loss: a walk over it, and the lines of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from math import prod
from types import CodeType
from typing import Any, ClassVar

import torch

from ..replay.replays import Replays
from ..seams.callsite import line_at
from ..watching.probe import Probe

NODES_AT_MOST = 512
"""Nodes next to a loss whose lines are remembered: its arithmetic, and the end of the model."""
WALKS_AT_MOST = 48

Line = tuple[str, int, str]


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


class Graphs(Probe):
    """Knows which of the user's lines made the operations of a loss, also between samples.

    Operations are recorded on sampled iterations only. Their lines are kept by the way from the
    loss to them, which is the same in every step that runs the same lines.
    """

    name = "graphs"
    sampled: ClassVar = ("backward_begin",)

    def __init__(self, watch: Any) -> None:
        self._replays: Replays = watch.shared(Replays)
        self._known: dict[int, tuple[CodeType, int]] = {}
        self._walks = 0
        super().__init__(watch)

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Remembers the lines of this loss's operations."""
        if not isinstance(roots, torch.Tensor) or roots.grad_fn is None:
            return
        if self._walks >= WALKS_AT_MOST:
            return
        self._walks += 1
        lines = self._replays.lines
        for node, way in walk(roots.grad_fn):
            if way not in self._known and (found := lines.where(node)) is not None:
                self._known[way] = found

    def line(self, node: Any, way: int) -> Line | None:
        """Returns the line of a node that `walk` has yielded; None where none was seen."""
        found = self._replays.lines.where(node) or self._known.get(way)
        return line_at(*found) if found is not None else None
