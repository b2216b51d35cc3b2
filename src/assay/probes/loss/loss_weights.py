"""Probe: terms of one loss that are a mean beside such that are a sum."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import torch

from ...seams.arguments import bind
from ...seams.callsite import place_at, user_site
from ...watching.graph import operation, saved, walk
from ...watching.probe import Probe
from .graphs import Graphs

NODES_AT_MOST = 32
CALLS_AT_MOST = 16
DIVERGES = ("Exp", "Expm1", "Log", "Log1P")
"""What the formula of a divergence has, and a penalty on size or range has not."""


class LossWeights(Probe):
    """Finds a loss that is a mean over all elements and is added to a sum over a batch.

    Event `mean_beside_sum`: of the losses of torch that are terms of what is minimised, one that is
    a mean, and beside it the sum of a divergence (something with a logarithm or an exponential)
    over all elements of a tensor of the same batch, or that sum divided by the batch. Nothing else
    weighs them, but for the half of a divergence's formula.
    """

    name = "loss_weights"
    sampled: ClassVar = ("loss", "backward_begin")

    def __init__(self, watch: Any) -> None:
        self._graphs: Graphs = watch.shared(Graphs)
        super().__init__(watch)
        self.iteration_begins()

    def iteration_begins(self) -> None:
        """Drops the nodes of an earlier iteration."""
        self._means: dict[Any, tuple[str, tuple[int, ...]]] = {}

    def on_loss(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Notes the node of a loss that is a mean over the elements of its input."""
        if not isinstance(result, torch.Tensor) or result.grad_fn is None or result.numel() > 1:
            return
        given = bind(function, args, kwargs)
        source = given.get("input")
        if given.get("reduction", "mean") != "mean" or not isinstance(source, torch.Tensor):
            return
        if source.dim() and len(self._means) < CALLS_AT_MOST:
            self._means[result.grad_fn] = place_at(name, user_site(2)), tuple(source.shape)

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Looks at the terms of what is minimised."""
        means, self._means = self._means, {}
        if not means or not isinstance(roots, torch.Tensor) or roots.grad_fn is None:
            return
        ways = dict(walk(roots.grad_fn))
        terms = list(_terms(roots.grad_fn, set(means)))
        for node in terms:
            if node not in means:
                continue
            place, shape = means[node]
            for other in terms:
                summed, divided = _summed(other)
                if len(summed) > 1 and summed[0] == shape[0] and divided in (1, shape[0]):
                    line = self._graphs.line(other, ways.get(other, 0))
                    self.watch.event_once(
                        "mean_beside_sum", place, place=place, shape=list(shape),
                        summed=list(summed), divided=divided,
                        line=list(line) if line is not None else None,
                    )  # fmt: skip


def _terms(root: Any, ends: set[Any]) -> Iterator[Any]:
    """Yields the terms that a scalar is a plain sum of; what is multiplied or divided is one."""
    waiting, looked = [root], 0
    while waiting and looked < NODES_AT_MOST:
        node = waiting.pop()
        looked += 1
        op = operation(node)
        plain = op in ("Add", "Sub", "Neg") or (op == "Mul" and _half_or_whole(node))
        if plain and node not in ends:
            waiting += [child for child, _ in node.next_functions if child is not None]
        else:
            yield node


def _half_or_whole(node: Any) -> bool:
    """Whether a product is one with a number between a half and one, as the KL divergence has."""
    factor = _number(node)
    return factor is not None and 0.5 <= abs(factor) <= 1


def _number(node: Any) -> float | None:
    """Returns the number that a product or a quotient is one with; None for any other tensor."""
    factor = next((f for f in (saved(node, "other"), saved(node, "self")) if f is not None), None)
    if isinstance(factor, torch.Tensor):
        if factor.requires_grad or factor.numel() != 1 or not factor.is_cpu:
            return None
        factor = float(factor)
    return float(factor) if isinstance(factor, (int, float)) else None


def _summed(node: Any) -> tuple[tuple[int, ...], int]:
    """Returns the shape of what a divergence is summed over, all of it, and what divides the sum.

    An empty shape for another node. A mean over the batch of sums over its samples is a sum too.
    """
    divided, nothing = 1.0, ((), 0)
    if operation(node) == "Div":
        divided = _number(node) or 0.0
        node = _factor_aside(node.next_functions[0][0])
    elif operation(node) == "Mean":
        divided = float(saved(node, "self_sym_numel") or 0)
        node = _factor_aside(node.next_functions[0][0])
        if node is None or node.name() != "SumBackward1":
            return nothing
    elif node.name() != "SumBackward0":
        return nothing
    if node is None or operation(node) != "Sum" or not divided.is_integer():
        return nothing
    sizes = saved(node, "self_sym_sizes")
    diverges = any(operation(part) in DIVERGES for part, _ in walk(node, NODES_AT_MOST))
    return (tuple(map(int, sizes)), int(divided)) if sizes is not None and diverges else nothing


def _factor_aside(node: Any) -> Any:
    """Returns the node behind a sign, and behind a half."""
    while node is not None and (
        operation(node) == "Neg" or (operation(node) == "Mul" and _half_or_whole(node))
    ):
        node = next((child for child, _ in node.next_functions if child is not None), None)
    return node
