"""Probe: a mean over nothing. Looks in the graph of a loss that is NaN for what was divided."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ...watching.graph import operation, saved, size_given, walk
from ...watching.probe import Probe
from .graphs import Graphs

NODES_AT_MOST = 20_000
LOOKS_AT_MOST = 8
BELOW = 24
"""Nodes below a division, or below a mean, in which to look for what left nothing."""
MEAN = 1
"""The reduction `mean`, as torch's own losses keep it."""
SELECTIONS = ("Index", "MaskedSelect", "IndexSelect")
_Found = dict[str, Any]


class Counted(Probe):
    """Writes a `nothing_counted` event where a loss is NaN since its mean is one over nothing.

    That is known without a doubt from what autograd keeps: a loss of classes all of whose targets
    are to be ignored, a mean of no elements, or a division by 0 of what a mask has left nothing of.
    Only losses on the CPU are looked at: elsewhere their value is not known without waiting.
    """

    name = "counted"
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
            nodes = [(n, w) for n, w in walk(roots.grad_fn, NODES_AT_MOST) if n.next_functions]
            nodes.sort(key=lambda each: each[0]._sequence_nr())
            for node, way in nodes:
                if (found := counted_nothing(node)) is not None:
                    self._looks = 0
                    trainings = self.watch.trainings
                    training = trainings[-1] if trainings else None
                    line = self._graphs.line(node, way)
                    facts = {"ignored": None, "of": None, "rows": None, **found}
                    row = list(line) if line is not None else None
                    self.watch.event("nothing_counted", training, **facts, line=row)
                    return


def counted_nothing(node: Any) -> _Found | None:
    """Returns why an operation had nothing to take a mean of; None for any other operation."""
    op = operation(node)
    if op in ("NllLoss", "NllLoss2D"):
        return _ignored(node, op) if saved(node, "reduction") == MEAN else None
    if op == "Div":
        return _divided(node)
    is_mean = op == "Mean" or saved(node, "reduction") == MEAN
    return _nothing_given(node, op) if is_mean and size_given(node) == 0 else None


def _ignored(node: Any, op: str) -> _Found | None:
    target, total = saved(node, "target"), saved(node, "total_weight")
    if target is None or total is None or float(total) != 0:
        return None
    if target.numel() == 0:
        return _nothing_given(node, op)
    return _all_ignored(node, op)


def _all_ignored(node: Any, op: str) -> _Found | None:
    target, ignored = saved(node, "target"), saved(node, "ignore_index")
    if target is None or not target.numel() or not bool((target == ignored).all()):
        return None
    # what autograd keeps for -100 is read as 2**64 - 100, and so the target itself is asked
    value = int(target.flatten()[0])
    return {"kind": "ignored", "operation": op, "of": target.numel(), "ignored": value}


def _nothing_given(node: Any, op: str) -> _Found:
    """Says whether a selection left nothing, or nothing was there in the first place."""
    for below, _ in walk(node, BELOW):
        if operation(below) in SELECTIONS and (given := size_given(below)):
            sizes = saved(below, "self_sym_sizes")
            return {"kind": "selected", "operation": op, "of": int(sizes[0]) if sizes else given}
    return {"kind": "empty", "operation": op}


def _divided(node: Any) -> _Found | None:
    divisor = saved(node, "other")
    if isinstance(divisor, (int, float)):
        divisor = torch.tensor(float(divisor))
    if not isinstance(divisor, torch.Tensor) or divisor.requires_grad:
        return None
    zero = (divisor == 0).flatten()
    count = int(zero.sum())
    numerator = node.next_functions[0][0]
    if not count or numerator is None:
        return None
    rows = [count, zero.numel()] if zero.numel() > 1 else None
    for below, _ in walk(numerator, BELOW):
        op = operation(below)
        for mask in _masks(below, op):
            if _leaves_nothing(mask, zero):
                of = mask.numel() // zero.numel()
                return {"kind": "masked", "operation": "Div", "of": of, "rows": rows}
        if op in ("NllLoss", "NllLoss2D") and (found := _all_ignored(below, "Div")):
            return found
        if op in SELECTIONS and size_given(below) == 0:
            continue
        if size_given(below) == 0:
            return _nothing_given(below, "Div")
    return None


def _masks(node: Any, op: str) -> list[torch.Tensor]:
    """Returns what an operation may have masked with: 0 where nothing is counted."""
    if op == "Mul":
        factors = (saved(node, "other"), saved(node, "self"))
        return [f for f in factors if isinstance(f, torch.Tensor) and not f.requires_grad]
    if op == "Where":
        condition = saved(node, "condition")
        # which side is the loss is not said: either of them may be the constant
        return [condition, ~condition] if isinstance(condition, torch.Tensor) else []
    if op == "MaskedFill":
        mask = saved(node, "mask")
        return [~mask] if isinstance(mask, torch.Tensor) else []
    return []


def _leaves_nothing(mask: torch.Tensor, zero: torch.Tensor) -> bool:
    """Whether a mask is 0 wherever the divisor, of one number or of one for each row, is 0."""
    if mask.numel() <= 1 and zero.numel() <= 1:
        return False  # a factor, no mask
    if zero.numel() == 1:
        return mask.numel() > 0 and not bool(mask.any())
    if mask.dim() < 2 or mask.shape[0] != zero.numel():
        return False
    return not bool(mask.reshape(zero.numel(), -1).any(1)[zero].any())
