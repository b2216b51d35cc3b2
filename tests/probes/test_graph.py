"""What torch's graph tells: what a node computes, what it was given, and what made a tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from assay.watching import graph, making
from assay.watching.graph import behind_views, operation, saved, shape_of, size_given, walk
from assay.watching.making import made_by

X = torch.arange(12.0).reshape(3, 4)
W = torch.ones(4, 4, requires_grad=True)


def leaf() -> Tensor:
    return X.clone().requires_grad_() * 1.0


def test_a_walk_meets_each_node_once_and_breadth_first() -> None:
    x = leaf()
    both = x.exp() + x.exp().sin()
    names = [operation(node) for node, _ in walk(both.grad_fn)]
    assert names[:4] == ["Add", "Exp", "Sin", "Mul"]
    assert len(names) == 6
    assert [operation(node) for node, _ in walk(both.grad_fn, 2)] == ["Add", "Exp"]
    assert list(walk(both.grad_fn, 0)) == []
    again = x.exp() + x.exp().sin()
    ways = [way for _, way in walk(both.grad_fn)]
    assert ways == [way for _, way in walk(again.grad_fn)]
    assert len(set(ways)) == len(ways)


def test_what_a_node_says_of_itself() -> None:
    x = leaf()
    assert operation(x.log_softmax(1).grad_fn) == "LogSoftmax"
    assert operation(F.nll_loss(x, torch.tensor([0, 1, 2])).grad_fn) == "NllLoss"
    assert operation(F.nll_loss(x[None].transpose(1, 2), torch.zeros(1, 3).long()).grad_fn) == (
        "NllLoss2D"
    )
    assert size_given(x.sum().grad_fn) == 12
    assert size_given(x.square().grad_fn) == 12
    assert size_given((-x).grad_fn) is None
    assert shape_of(x.sum(1).grad_fn) == (3,)
    assert shape_of(x.max(1)[0].grad_fn, 1) in (None, (3,))
    assert shape_of(x.sum(1).grad_fn, 7) is None
    assert shape_of(None) is None
    assert saved(x.square().grad_fn, "exponent") == 2
    assert saved(x.square().grad_fn, "nothing") is None
    freed = x.square()
    freed.sum().backward()  # type: ignore[no-untyped-call]
    assert saved(freed.grad_fn, "self") is None


def views(x: Tensor, count: int) -> Tensor:
    for number in range(count):
        x = x.view(3, 4) if number % 2 else x.view(12)
    return x


def test_behind_at_most_eight_views() -> None:
    assert behind_views(None) is None
    for count in (0, 1, 8):
        assert operation(behind_views(views(leaf().exp(), count).grad_fn)) == "Exp"
    assert operation(behind_views(views(leaf().exp(), 9).grad_fn)) != "Exp"
    x = leaf().exp()
    assert operation(behind_views(x[0].grad_fn)) == "Select"
    assert operation(behind_views(x[0].grad_fn, (*graph.VIEWS, "Select"))) == "Exp"


UNIT = F.normalize(W, dim=1)


@pytest.mark.parametrize(
    ("make", "kind", "dim", "size"),
    [
        (lambda x: x.softmax(1), "softmax", 1, 4),
        (lambda x: x.softmax(-1), "softmax", 1, 4),
        (lambda x: x.softmax(-2), "softmax", 0, 3),
        (lambda x: x.log_softmax(0), "log_softmax", 0, 3),
        (lambda x: x.log_softmax(0).exp(), "softmax", 0, 3),
        (lambda x: x.softmax(1).log(), "log_softmax", 1, 4),
        (lambda x: x.sigmoid().log(), "log_sigmoid", None, None),
        (lambda x: F.logsigmoid(x).exp(), "sigmoid", None, None),
        (lambda x: x.sin().exp(), "exp", None, None),
        (lambda x: x.sin().log(), "log", None, None),
        (lambda x: x.softmax(1).exp(), "exp", 1, 4),
        (lambda x: x.softmax(1).clamp(0.1)[0].view(2, 2), "softmax", 1, 4),
        (lambda x: F.avg_pool1d(x.relu(), 2), "relu", None, None),
        (lambda x: F.max_pool1d(x.relu(), 2), None, None, None),
        (lambda x: F.softplus(x), "softplus", None, None),
        (lambda x: x.sin(), "Sin", None, None),
        (lambda x: torch.cat([x.softmax(1), x.softmax(1)]), "softmax", 1, 4),
        (lambda x: torch.stack([x.softmax(1), x.softmax(1)]), "softmax", 1, 4),
        (lambda x: torch.cat([x.softmax(1), x.softmax(0)]), "Cat", None, None),
        (lambda x: torch.cat([x.softmax(1), x.sigmoid()]), "Cat", None, None),
        (lambda x: x @ W, "linear", None, None),
        (lambda x: F.linear(x, W, torch.ones(4)), "linear", None, None),
        (lambda x: x @ W.t(), "linear", None, None),
        (lambda x: x @ x.sin().t(), "product", None, None),
        (lambda x: F.normalize(x) @ UNIT.t(), "cosine", None, None),
        (lambda x: x @ UNIT.t(), "product", None, None),
        (lambda x: F.normalize(x) @ F.normalize(x.sin()).t(), "product", None, None),
        (lambda x: F.normalize(x) @ (W / 2).t(), "product", None, None),
        (lambda x: torch.tensor(1.0), "", None, None),
    ],
)
def test_what_made_a_tensor(
    make: Callable[[Tensor], Tensor], kind: Any, dim: Any, size: Any
) -> None:
    made = made_by(make(leaf()))
    if kind is not None:
        assert made.kind == kind
    assert (made.dim, made.size) == (dim, size)


def test_what_is_looked_at_is_bounded() -> None:
    for count, kind in ((31, "relu"), (32, "")):
        x = leaf().relu()
        for _ in range(count):
            x = x.clamp(0)
        assert made_by(x).kind == kind


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda x: x / x.norm(dim=1, keepdim=True), True),
        (lambda x: x / x.norm(dim=1, keepdim=True).clamp(min=1e-9), True),
        (lambda x: F.normalize(x), True),
        (lambda x: x / x.norm(), True),
        (lambda x: x / x.exp(), False),
        (lambda x: x / 2, False),
        (lambda x: x * x.norm(), False),
        (lambda x: x / (x.norm() + 1), False),
        (lambda x: x / x.norm().view(1).view(1, 1).view(1), True),
        (lambda x: x / x.norm().view(1).view(1, 1).view(1).view(1, 1), False),
    ],
)
def test_divided_by_its_norm(make: Callable[[Tensor], Tensor], expected: bool) -> None:
    assert making._is_normalised(make(leaf()).grad_fn) is expected
