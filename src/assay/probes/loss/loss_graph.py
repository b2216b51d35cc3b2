"""Probe: how a loss enters what is minimised, and what the model ends in right before it."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch

from ...seams.arguments import bind
from ...seams.callsite import place_at, user_site
from ...watching.graph import PARTS, VIEWS, behind_views, operation, saved, walk
from ...watching.probe import Probe
from .graphs import Graphs

TERMS_AT_MOST = 64
SEEN_AT_MOST = 256
FACTORS_AT_MOST = 65_536
"""Elements of a mask or of weights whose signs are looked at."""
SAME_VALUES = (*VIEWS, "Select", "Slice")
LINEAR = (*VIEWS, *PARTS, "Mean", "Sum", "Stack", "Cat")
"""Sums, and what picks the class of the target from each row."""
RANGES: dict[str, tuple[float, float]] = {
    "Relu": (0.0, math.inf),
    "Sigmoid": (0.0, 1.0),
    "Softmax": (0.0, 1.0),
    "Tanh": (-1.0, 1.0),
    "Softplus": (0.0, math.inf),
    "Exp": (0.0, math.inf),
    "Hardsigmoid": (0.0, 1.0),
}
"""What an operation can give, by its name in torch's graph."""
LAYERS = ("Addmm", "Mm", "Linear", "Bmm", "Convolution", "UnsafeView")
"""Operations that a layer with weights ends in."""
PRODUCTS = ("Mm", "Bmm")
COSINE = "Cosine"
"""A product of vectors of length 1."""
UNIT = 1e-3
SQUASHED = {"nll_loss": "LogSoftmax", "binary_cross_entropy": "Sigmoid"}
"""What makes the input of a loss that wants no logits: what was before that is to be one."""
REGRESSIONS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
LOGIT_LOSSES = ("cross_entropy", "binary_cross_entropy_with_logits", *SQUASHED)
ACTIVATIONS = "torch.nn.modules.activation"
LIKELIHOOD = "log_likelihood"


class LossGraph(Probe):
    """Records the sign with which each loss enters the scalar that is minimised.

    `loss_sign`, by loss call, is 1 where a lower loss is what is asked for and -1 where a higher
    one is; also of the `log_prob` of a distribution, and of a log-likelihood and of a squared error
    by hand. Where what a loss is given comes straight from an activation, `loss_activation` says
    from which one and what it can give, and `target_unreachable_share` how many of the targets lie
    outside of that.
    """

    name = "loss_graph"
    sampled: ClassVar = ("loss", "log_probability", "module_end", "backward_begin")

    def __init__(self, watch: Any) -> None:
        self._graphs: Graphs = watch.shared(Graphs)
        super().__init__(watch)
        self.iteration_begins()

    def iteration_begins(self) -> None:
        """Drops the nodes of an earlier iteration."""
        self._calls: dict[Any, str] = {}
        self._likelihoods: dict[Any, str] = {}
        self._made: dict[Any, Any] = {}
        self._ends: list[tuple[str, str, Any]] = []

    # -- what is before a loss --------------------------------------------------------------------

    def on_module_end(self, module: Any, args: Any, result: Any) -> None:
        """Notes which module an activation belongs to."""
        if type(module).__module__ != ACTIVATIONS or not isinstance(result, torch.Tensor):
            return
        if result.grad_fn is not None and len(self._made) < SEEN_AT_MOST:
            self._made[result.grad_fn] = module

    def on_loss(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Notes the node of a loss, and looks what made its input."""
        if not isinstance(result, torch.Tensor) or result.grad_fn is None:
            return
        site = user_site(2)
        place = place_at(name, site)
        if len(self._calls) < SEEN_AT_MOST:
            self._calls[result.grad_fn] = place
        given = bind(function, args, kwargs)
        source, target = given.get("input"), given.get("target")
        if not isinstance(source, torch.Tensor) or not isinstance(target, torch.Tensor):
            return
        if name in REGRESSIONS and target.requires_grad and not source.requires_grad:
            source, target = target, source
        node = behind_views(source.grad_fn, SAME_VALUES)
        self._head(place, node)
        if name == "cross_entropy" and len(self._ends) < TERMS_AT_MOST and _is_cosine(node):
            self._ends.append((name, place, node))
            return
        if node is not None and name in SQUASHED:
            squashes = operation(node) == SQUASHED[name] and bool(node.next_functions)
            node = behind_views(node.next_functions[0][0], SAME_VALUES) if squashes else None
        if node is None or operation(node) not in RANGES:
            return
        if name in LOGIT_LOSSES or (name in REGRESSIONS and not target.requires_grad):
            if len(self._ends) < TERMS_AT_MOST:
                self._ends.append((name, place, node))
            if name in REGRESSIONS and target.numel():
                low, high = RANGES[operation(node)]
                outside = (target < low) | (target > high)
                self.watch.put("target_unreachable_share", place, outside.float().mean())

    def on_log_probability(self, value: torch.Tensor, result: torch.Tensor) -> None:
        """Notes the node of a log-likelihood of data; of what the model has drawn it is none."""
        if result.grad_fn is None or value.requires_grad or len(self._likelihoods) >= SEEN_AT_MOST:
            return
        self._likelihoods[result.grad_fn] = place_at(LIKELIHOOD, user_site(2))

    def _head(self, place: str, node: Any) -> None:
        """Notes the weight of the layer that made the input of a loss."""
        if node is None or operation(node) not in LAYERS:
            return
        for child, _ in node.next_functions:
            below = behind_views(child, SAME_VALUES)
            weight = getattr(below, "variable", None)
            if isinstance(weight, torch.Tensor) and weight.dim() > 1:
                name = self.watch.names.parameter(weight)
                if name is not None:
                    self.watch.event_once("loss_head", place, place=place, parameter=name)

    # -- how it enters what is minimised ----------------------------------------------------------

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Follows the loss to its terms."""
        ends, self._ends = self._ends, []
        if isinstance(roots, torch.Tensor) and roots.grad_fn is not None:
            ways = dict(walk(roots.grad_fn))
            for name, at, node in ends:
                self._told(name, at, node, ways.get(node, 0))
            terms = self._terms(roots.grad_fn)
            self.watch.put("loss_terms", "", float(len(terms)))
            for node, sign, scaled, minus in terms:
                place: str | None = self._calls.get(node)
                if place is None and not scaled:
                    place, sign = self._by_hand(node, sign, ways.get(node, 0))
                if place is not None:
                    self.watch.put("loss_sign", place, sign)
                if place is not None and sign < 0:
                    by = minus if minus is not None else roots.grad_fn
                    line = self._graphs.line(by, ways.get(by, 0))
                    row = list(line) if line is not None else None
                    self.watch.event_once("loss_raised", place, place=place, line=row)
        self._calls = {}

    def _told(self, name: str, place: str, node: Any, way: int) -> None:
        module = self._made.get(node)
        line = self._graphs.line(node, way)
        made = COSINE if operation(node) in PRODUCTS else operation(node)
        self.watch.event_once(
            "loss_activation", place, fn=name, place=place, activation=made,
            module=self.watch.names.module(module) if module is not None else None,
            line=list(line) if line is not None else None,
        )  # fmt: skip

    def _terms(self, root: Any) -> list[tuple[Any, float, bool, Any]]:
        """Returns the nodes that the root is a sum of, as far as it is known, with their signs.

        And whether a term is scaled, by a number that may be a reward, whose sign says nothing; and
        the node that gave it a minus.
        """
        found: list[tuple[Any, float, bool, Any]] = []
        waiting: list[tuple[Any, float, bool, Any]] = [(root, 1.0, False, None)]
        looked = 0
        while waiting and looked < TERMS_AT_MOST:
            node, sign, scaled, minus = waiting.pop()
            looked += 1
            op = operation(node)
            known = node in self._calls or node in self._likelihoods
            factors = _factors(node, op) if not known else None
            if factors is None:
                if not _of_weights(node):
                    found.append((node, sign, scaled, minus))
                continue
            for (child, _), factor in zip(node.next_functions, factors, strict=False):
                if child is not None:
                    larger = scaled or (op == "Mul" and abs(factor) != 1)
                    turned = math.copysign(1.0, sign * factor)
                    by = (node if turned < 0 else None) if factor < 0 else minus
                    waiting.append((child, turned, larger, by))
        return found

    def _by_hand(self, node: Any, sign: float, way: int) -> tuple[str | None, float]:
        """Returns the place and the sign of a term that is a log-likelihood or a squared error."""
        op = operation(node)
        if node in self._likelihoods:
            return self._likelihoods[node], -sign
        if op in ("LogSoftmax", "LogSigmoid") or (op == "Log" and _of_probabilities(node)):
            what, sign = LIKELIHOOD, -sign
        elif op == "Pow" and saved(node, "exponent") == 2 and _is_difference(node):
            what = "squared_error"
        else:
            return None, sign
        line = self._graphs.line(node, way)
        return place_at(what, line), sign


def _is_cosine(node: Any) -> bool:
    """Whether a product of two matrices is of rows and columns of length 1 on both sides."""
    if node is None or operation(node) not in PRODUCTS:
        return False
    sides = saved(node, "self"), saved(node, "mat2")
    if not all(isinstance(side, torch.Tensor) and side.numel() for side in sides):
        return False
    with torch.no_grad():
        lengths = sides[0].norm(dim=-1), sides[1].norm(dim=-2)
        return all(bool(((length - 1).abs() < UNIT).all()) for length in lengths)


def _of_weights(node: Any) -> bool:
    """Whether a term is made of weights alone, such as a penalty on their size."""
    below = [child for child, _ in node.next_functions if child is not None]
    return bool(below) and all("AccumulateGrad" in child.name() for child in below)


def _factors(node: Any, op: str) -> list[float] | None:
    """Returns what each operand of a sum is multiplied with; None for what is no sum."""
    count = len(node.next_functions)
    if op in LINEAR:
        return [1.0] * count
    if op in ("Neg", "Rsub"):
        return [-1.0] * count
    if op in ("Add", "Sub"):
        return [1.0, 1.0 if op == "Add" else -1.0]
    factor = _factor(node) if op in ("Mul", "Div") else 0.0
    return [factor] * count if factor else None


def _factor(node: Any) -> float:
    """Returns what a term is multiplied with, 1 for a mask; 0 where it is unknown or mixed."""
    if sum(child is not None for child, _ in node.next_functions) != 1:
        return 0.0
    kept = (saved(node, "other"), saved(node, "self"))
    factor = next((f for f in kept if f is not None), None)
    if isinstance(factor, (int, float)):
        return float(factor)
    if not isinstance(factor, torch.Tensor) or factor.requires_grad:
        return 0.0
    if factor.device.type != "cpu" or not 0 < factor.numel() <= FACTORS_AT_MOST:
        return 0.0
    if factor.numel() == 1:
        return float(factor)
    low, high = float(factor.min()), float(factor.max())
    if operation(node) == "Div":
        return 1.0 if low > 0 else 0.0
    # other weights may be returns or advantages, whose sign says nothing
    return 1.0 if low >= 0 and 0 < high <= 1 else 0.0


def _of_probabilities(node: Any) -> bool:
    """Whether a logarithm is one of what a sigmoid or a softmax gave."""
    for _ in range(8):
        children = [child for child, _ in node.next_functions if child is not None]
        if len(children) != 1:
            return False
        node = children[0]
        op = operation(node)
        if op in ("Sigmoid", "Softmax"):
            return True
        if op not in (*LINEAR, "Clamp", "ClampMin", "Add", "Sub", "Rsub", "Maximum"):
            return False
    return False


def _is_difference(node: Any) -> bool:
    """Whether a square is that of a prediction less a target that has no gradient."""
    below = behind_views(node.next_functions[0][0], SAME_VALUES)
    if below is None or operation(below) not in ("Sub", "Rsub"):
        return False
    return [child is None for child, _ in below.next_functions].count(True) == 1
