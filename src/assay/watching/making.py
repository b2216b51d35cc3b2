"""What made a tensor: the operation behind it in torch's graph, seen through views."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from .graph import PARTS, VIEWS, behind_views, operation, shape_of

STEPS_AT_MOST = 32
SAME_VALUES = (*VIEWS, *PARTS)
_IN_BETWEEN = ("Clamp", "Upsample", "AvgPool", "MaxPool", "AdaptiveAvgPool", "AdaptiveMaxPool")
"""Operations whose results lie between the least and the greatest number that they are given."""
_LINEAR = ("Addmm", "Mm", "Linear", "MkldnnLinear", "Convolution", "MkldnnConvolution")
_KINDS = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid",
          "LogSigmoid": "log_sigmoid", "Softplus": "softplus", "Relu": "relu"}  # fmt: skip
_EXP = {"log_softmax": "softmax", "log_sigmoid": "sigmoid"}
_LOG = {made: of for of, made in _EXP.items()}


class Made(NamedTuple):
    """What made a tensor: `kind` is `softmax`, `linear`, ..., or torch's own name; "" for none.

    Of a softmax, also one whose logarithm was taken: the dimension over which it was taken, in the
    layout that it was given, and the size of that dimension.
    """

    kind: str
    dim: int | None = None
    size: int | None = None
    node: Any = None
    """That of the softmax or sigmoid in torch's graph."""


def made_by(tensor: torch.Tensor) -> Made:
    """Says what made a tensor that has a graph; views, clamps and pooling keep what it is."""
    return _made(tensor.grad_fn, STEPS_AT_MOST)


def _made(node: Any, left: int) -> Made:
    while node is not None and left > 0:
        left -= 1
        name = operation(node)
        following = [n for n, _ in node.next_functions]
        if (name in SAME_VALUES or name.startswith(_IN_BETWEEN)) and following:
            node = following[0]
        elif name in ("Cat", "Stack") and following:
            parts = [_made(part, left // 2) for part in following[:8]]
            return parts[0] if len({part[:3] for part in parts}) == 1 else Made(name)
        elif name in ("Exp", "Log"):
            inner = _made(following[0], left)
            kind = (_EXP if name == "Exp" else _LOG).get(inner.kind, name.lower())
            return inner._replace(kind=kind)
        elif name in ("Softmax", "LogSoftmax"):
            return Made(_KINDS[name], *_dimension(node), node)
        elif name in _LINEAR:
            return Made(_product(node))
        elif name == "Add" and any(_is_leaf(n) for n in following):
            return _with_bias(following, left)
        else:
            return Made(_KINDS.get(name, name), node=node)
    return Made("")


def _with_bias(operands: list[Any], left: int) -> Made:
    """Says what a sum with a leaf is: of a product it is the bias, as `Linear` adds it in 3-D."""
    others = [_made(n, left) for n in operands if n is not None and not _is_leaf(n)]
    return others[0] if others and others[0].kind in ("linear", "product") else Made("Add")


def _dimension(node: Any) -> tuple[int | None, int | None]:
    shape = shape_of(node)
    dim = node._saved_dim
    if shape is None or not isinstance(dim, int):
        return None, None
    dim = dim - 2**64 if dim >= 2**63 else dim  # torch shows a signed number as unsigned
    dim = dim % max(len(shape), 1)
    return dim, shape[dim] if shape else 1


def _product(node: Any) -> str:
    """Tells a layer of weights from a product of two activations, and from cosines."""
    operands = [behind_views(n, SAME_VALUES) for n, _ in node.next_functions]
    if any(_is_leaf(n) for n in operands):
        return "linear"
    unit = [n for n in operands if n is not None and _is_normalised(n)]
    weights = [n for n in unit if _is_leaf(behind_views(n.next_functions[0][0], SAME_VALUES))]
    others = [n for n in operands if n is not None and n not in unit]
    return "cosine" if weights and not others else "product"


def _is_leaf(node: Any) -> bool:
    return hasattr(node, "variable")


def _is_normalised(node: Any) -> bool:
    """Whether a tensor was divided by its own norm, as `F.normalize` does."""
    if operation(node) != "Div" or len(node.next_functions) != 2:
        return False
    norm = node.next_functions[1][0]
    for _ in range(4):
        if norm is None or "Norm" in norm.name():
            return norm is not None
        if operation(norm) not in ("Clamp", "ClampMin", *SAME_VALUES) or not norm.next_functions:
            return False
        norm = norm.next_functions[0][0]
    return False
