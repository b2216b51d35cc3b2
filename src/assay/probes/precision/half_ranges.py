"""Probe: numbers that half precision does not hold, in the graph of a loss that is not finite."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ...watching.graph import VIEWS, operation, saved, walk
from ...watching.probe import Probe
from ..loss.graphs import Graphs

NODES_AT_MOST = 20_000
LOOKS_AT_MOST = 4
LOGARITHMS = ("Log", "Log2", "Log10")
EXPONENTIALS = ("Exp", "Exp2", "Expm1", "Sinh", "Cosh")
PRODUCTS = ("Mul", "Mm", "Addmm", "Bmm", "Baddbmm", "Addmv", "Mv", "Dot", "Convolution", "Pow",
            "MkldnnConvolution", "Square")  # fmt: skip
SUMS = ("Add", "Sub", "Sum", "Cumsum", "Cumprod", "Prod")
OPERANDS = ("self", "other", "mat1", "mat2", "batch1", "batch2", "input", "result", "vec")
MOVES = (*VIEWS, "Select", "Slice", "Split", "Div", "Neg")
_PLACES = {"self": 0, "input": 0, "other": 1, "mat2": 1, "exponent": 1, "vec": 1}
_PLACES_OF_SUM = {"mat1": 1, "batch1": 1, "mat2": 2, "batch2": 2, "vec": 2}
HALF = (torch.float16, torch.bfloat16)


class HalfRanges(Probe):
    """Writes a `half_range` event where a loss is not finite since half precision has an end.

    `kind` is `log` (a logarithm of 0 in half precision), `exp` (an exponential that is infinite in
    float16), `overflow` (a product or a sum of finite numbers that is infinite in float16) or
    `softmax` (rows of a softmax that are NaN, as it is of nothing but -inf). Only
    losses on the CPU are looked at, and only where all weights are finite: otherwise what is
    infinite is no matter of precision.
    """

    name = "half_ranges"
    always: ClassVar = ("loss_not_finite", "checkpointing")

    def __init__(self, watch: Any) -> None:
        self._graphs: Graphs = watch.shared(Graphs)
        self._looks = LOOKS_AT_MOST
        super().__init__(watch)

    def on_checkpointing(self) -> None:
        """Reading a checkpointed graph would compute it again."""
        self._looks = 0

    def on_loss_not_finite(self, roots: Any) -> None:
        """Looks at the loss's graph, until it has found something or looked often enough."""
        if not self._looks or not isinstance(roots, torch.Tensor) or roots.grad_fn is None:
            return
        self._looks -= 1
        with torch.no_grad(), self.watch.unrecorded():
            nodes = list(walk(roots.grad_fn, NODES_AT_MOST))
            leaves = [node.variable for node, _ in nodes if hasattr(node, "variable")]
            if not all(bool(leaf.isfinite().all()) for leaf in leaves if leaf.is_floating_point()):
                self._looks = 0
                return
            ways = dict(nodes)
            computed = [node for node, _ in nodes if not hasattr(node, "variable")]
            for node in sorted(computed, key=lambda node: node._sequence_nr()):
                found = _judge(node)
                if found is not None:
                    self._looks = 0
                    kind, maker, tensor, bad = found
                    self._write(kind, maker, ways, tensor, bad)
                    return

    def _write(
        self, kind: str, maker: Any, ways: dict[Any, int], tensor: torch.Tensor, bad: torch.Tensor
    ) -> None:
        line = self._graphs.line(maker, ways[maker]) if maker in ways else None
        trainings = self.watch.trainings
        self.watch.event(
            "half_range", trainings[-1] if trainings else None,
            kind=kind, op=operation(maker), dtype=str(tensor.dtype).removeprefix("torch."),
            share=float(bad.float().mean()), line=list(line) if line is not None else None,
        )  # fmt: skip


def _judge(node: Any) -> tuple[str, Any, torch.Tensor, torch.Tensor] | None:
    """Returns kind, node, numbers, and which of them half precision does not hold; or None."""
    op = operation(node)
    if op in LOGARITHMS:
        value = saved(node, "self")
        if _is_half(value) and bool((value == 0).any()) and not bool((value < 0).any()):
            return "log", node, value, value == 0
    if op in ("Softmax", "LogSoftmax") and isinstance(rows := saved(node, "result"), torch.Tensor):
        undefined = rows.isnan().all(_signed(saved(node, "dim")))
        if bool(undefined.any()):
            return "softmax", node, rows, undefined
    for field in OPERANDS:
        value = saved(node, field)
        if not _is_half(value) or value.dtype is not torch.float16 or bool(value.isnan().any()):
            continue
        maker = _maker(node, field)
        if maker is None:
            continue
        made_by, infinite = operation(maker), value.isinf()
        # -inf in a sum is what masks are made of
        over = infinite if made_by in PRODUCTS else value == torch.inf
        if made_by in EXPONENTIALS and bool(infinite.any()):
            return "exp", maker, value, infinite
        if made_by in PRODUCTS + SUMS and bool(over.any()):
            return "overflow", maker, value, over
    return None


def _signed(dim: int) -> int:
    """Returns a dimension as it was given: autograd keeps -1 as 2^64 - 1."""
    return dim - 2**64 if dim >= 2**63 else dim


def _is_half(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.dtype in HALF and value.numel() > 0


def _maker(node: Any, field: str) -> Any:
    """Returns the operation that made what a node has saved; None where that can't be told.

    Past those that only move numbers, or divide them: what is infinite was so before.
    """
    if field == "result":
        return node
    places = _PLACES_OF_SUM if operation(node) in ("Addmm", "Baddbmm", "Addmv") else _PLACES
    inputs = node.next_functions
    if places.get(field, 0) >= len(inputs):
        return None
    maker = inputs[places.get(field, 0)][0]
    while maker is not None and operation(maker) in MOVES and maker.next_functions:
        maker = maker.next_functions[0][0]
    return None if maker is None or hasattr(maker, "variable") else maker
