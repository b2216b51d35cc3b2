"""Probe: a penalty on the slope of a network at its input, and over which numbers it is taken."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

import torch

from ...seams.callsite import user_site
from ...watching.calls import NODES_AT_MOST, Key, key_of
from ...watching.graph import operation, saved
from ...watching.probe import Probe

NORMS = ("LinalgVectorNorm", "Norm")
SLOPES_AT_MOST = 16


class Penalties(Probe):
    """Writes a `gradient_penalty` event for each slope at an input that becomes part of a loss.

    The norm that is taken of it, and over which of its dimensions, stand in the graph of the loss.
    """

    name = "penalties"
    sampled: ClassVar = ("grad_end", "backward_begin")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._slopes: dict[Key, tuple[list[int], Any]] = {}

    def on_grad_end(self, outputs: Any, inputs: Any, gradients: Any) -> None:
        """Remembers slopes that have a graph of their own."""
        for slope in gradients:
            if isinstance(slope, torch.Tensor) and slope.grad_fn is not None and slope.dim() > 1:
                if len(self._slopes) >= SLOPES_AT_MOST:
                    self._slopes.clear()
                self._slopes[key_of(slope.grad_fn)] = list(slope.shape), user_site(2)

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Looks for them below a loss, and for the norm that is taken of them."""
        if not self._slopes or not isinstance(roots, torch.Tensor) or roots.grad_fn is None:
            return
        waiting: deque[tuple[Any, Any]] = deque([(roots.grad_fn, None)])
        met = {roots.grad_fn}
        while waiting and len(met) < NODES_AT_MOST:
            node, above = waiting.popleft()
            if (known := self._slopes.get(key_of(node))) is not None:
                self._tell(*known, above)
                continue
            for child, _ in node.next_functions:
                if child is not None and child not in met:
                    met.add(child)
                    waiting.append((child, node))

    def _tell(self, shape: list[int], line: Any, above: Any) -> None:
        is_norm = above is not None and operation(above) in NORMS
        dims = saved(above, "dim") if is_norm else None
        over = None
        if is_norm:
            signed = [int(d) - 2**64 * (int(d) >= 2**63) for d in dims or range(len(shape))]
            over = sorted(d % len(shape) for d in signed)
        self.watch.event_once(
            "gradient_penalty", line, len(shape), tuple(over or ()), shape=shape, over=over,
            line=list(line) if line is not None else None,
        )  # fmt: skip
