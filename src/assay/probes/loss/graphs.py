"""What probes share that look at the graph of a loss: the lines of its operations."""

from __future__ import annotations

from types import CodeType
from typing import Any, ClassVar

import torch

from ...replay.replays import Replays
from ...seams.callsite import line_at
from ...watching.graph import walk
from ...watching.probe import Probe

WALKS_AT_MOST = 48

Line = tuple[str, int, str]


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
