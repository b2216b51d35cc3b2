"""Probe: where NaN came from. Walks the graph of the first loss that is not finite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import torch

from ...watching.graph import operation, saved, walk
from ...watching.probe import Probe
from .graphs import Graphs

NODES_AT_MOST = 20_000
LOSSES_AT_MOST = 64
_OPERANDS = ("self", "other", "mat1", "mat2", "input", "tensor1", "tensor2", "batch1", "batch2",
             "exponent", "target", "vec", "weight")  # fmt: skip
_RESULTS = ("result", "result0", "output")

_Traced = tuple[Any, dict[str, Any]]
"""The node that made what is not finite, and what to say of it."""


class Origins(Probe):
    """Writes one `nonfinite_origin` event: the first operand, in forward order, that isn't finite.

    The first 64 losses that are not finite are noted as `nonfinite_loss`, whether or not a step is
    taken with them.
    `kind` is `input` (data), `parameter` or `operation`; `place` names it; `share` is its
    non-finite share; `module` the owner of a parameter of the same operation, `line` the user's
    line that computed what is named, where the step was sampled or one like it. Autograd keeps
    operands until the backward pass, so the forward pass need not have been watched. Only losses on
    the CPU are looked at: elsewhere their value is not known without waiting for it.
    """

    name = "origins"
    always: ClassVar = ("loss_not_finite", "checkpointing")

    def __init__(self, watch: Any) -> None:
        self._graphs: Graphs = watch.shared(Graphs)
        super().__init__(watch)
        self._done, self._losses = False, 0

    def on_checkpointing(self) -> None:
        """Reading a checkpointed graph would compute it again."""
        self._done = True

    def on_loss_not_finite(self, roots: Any) -> None:
        """Notes that there was such a loss; looks at its graph, once."""
        trainings = self.watch.trainings
        if self._losses < LOSSES_AT_MOST:
            self._losses += 1
            self.watch.event("nonfinite_loss", trainings[-1] if trainings else None)
        if self._done:
            return
        self._done = True
        if isinstance(roots, torch.Tensor) and roots.grad_fn is not None:
            # seen by a recording, a number that torch has kept would be no tensor any more
            with torch.no_grad(), self.watch.unrecorded():
                traced = self._first(roots.grad_fn)
                if traced is None:
                    return
                node, found = traced
                way = next((way for near, way in walk(roots.grad_fn) if near is node), 0)
                line = self._graphs.line(node, way)
            row = list(line) if line is not None else None
            training = trainings[-1] if trainings else None
            self.watch.event("nonfinite_origin", training, **found, line=row)

    def _first(self, root: Any) -> _Traced | None:
        nodes, waiting = {root}, [root]
        while waiting and len(nodes) < NODES_AT_MOST:
            for node, _ in waiting.pop().next_functions:
                if node is not None and node not in nodes:
                    nodes.add(node)
                    waiting.append(node)
        computed = [node for node in nodes if not hasattr(node, "variable")]
        computed.sort(key=lambda node: node._sequence_nr())
        for node in computed:
            traced = self._judge(node, _undefined)
            if traced is not None:
                return traced
        for node in computed:
            share = _out_of_domain(node)
            if share:
                place = operation(node)
                found = {"kind": "operation", "place": place, "share": share, "module": None}
                return node, found
        # -inf is what masks are made of: it counts only if nothing else is found
        return next((f for node in computed if (f := self._judge(node, _infinite))), None)

    def _judge(self, node: Any, bad: Callable[[torch.Tensor], float]) -> _Traced | None:
        """Says what this operation was given that isn't finite, and which node made that."""
        leaves = [n.variable for n, _ in node.next_functions if hasattr(n, "variable")]
        names = [name for leaf in leaves if (name := self.watch.names.parameter(leaf))]
        module = names[0].rpartition(".")[0] if names else None
        for leaf in leaves:
            share = bad(leaf)
            if share:
                name = self.watch.names.parameter(leaf) or "a leaf tensor"
                return node, {"kind": "parameter", "place": name, "share": share, "module": module}
        op = operation(node)
        for field in _OPERANDS + _RESULTS:
            value = _numbers(node, field)
            share = bad(value) if value is not None and value.numel() else 0.0
            if value is None or not share:
                continue
            if field in _RESULTS:
                return node, {"kind": "operation", "place": op, "share": share, "module": module}
            if not value.requires_grad:
                place = f"{field} of {op}"
                return node, {"kind": "input", "place": place, "share": share, "module": module}
            made = [n for n, _ in node.next_functions if n is not None]
            maker = next((n for n in made if not operation(n).endswith("AccumulateGrad")), node)
            place = operation(maker)
            return maker, {"kind": "operation", "place": place, "share": share, "module": module}
        return None


def _numbers(node: Any, field: str) -> torch.Tensor | None:
    """Returns the floating-point numbers that autograd has kept for a node, if any."""
    value = saved(node, field)
    return value if isinstance(value, torch.Tensor) and value.is_floating_point() else None


def _out_of_domain(node: Any) -> float:
    """Returns the share of operands where an operation has no finite value, as log at 0."""
    op = operation(node)
    if op in ("Log", "Log2", "Log10"):
        value = _numbers(node, "self")
        return float((value <= 0).float().mean()) if value is not None else 0.0
    if op == "Div":
        value = _numbers(node, "other")
        return float((value == 0).float().mean()) if value is not None else 0.0
    return 0.0


def _undefined(tensor: torch.Tensor) -> float:
    return float((torch.isnan(tensor) | (tensor == torch.inf)).float().mean())


def _infinite(tensor: torch.Tensor) -> float:
    return float((tensor == -torch.inf).float().mean())
