"""What made a tensor, read from its graph."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.watching.making import made_by

X = torch.rand(2, 3, 4, requires_grad=True)
W = nn.Parameter(torch.rand(4, 4))
B = nn.Parameter(torch.rand(4))


def branch(x: Tensor) -> Tensor:
    return (x * 1).sum(-1) * x.sum(-1)


@pytest.mark.parametrize(
    ("make", "kind", "dim", "classes"),
    [
        (lambda x: x.softmax(-1), "softmax", 2, 4),
        (lambda x: x.softmax(1), "softmax", 1, 3),
        (lambda x: x.sum().softmax(0), "softmax", 0, 1),
        (lambda x: x.log_softmax(0), "log_softmax", 0, 2),
        (lambda x: x.softmax(-1).reshape(-1, 4)[1:], "softmax", 2, 4),
        (lambda x: x.log_softmax(-1).exp(), "softmax", 2, 4),
        (lambda x: x.softmax(-1).log(), "log_softmax", 2, 4),
        (lambda x: x.sigmoid().clamp(0.1, 0.9), "sigmoid", None, None),
        (lambda x: x.sigmoid().log(), "log_sigmoid", None, None),
        (lambda x: x.abs().exp(), "exp", None, None),
        (lambda x: x.abs().log(), "log", None, None),
        (lambda x: x[0] @ W, "linear", None, None),
        (lambda x: x @ W + B, "linear", None, None),
        (lambda x: branch(x) + nn.Parameter(torch.ones(3)), "Add", None, None),
        (lambda x: (x[0] * 2) @ (x[1] * 3).T, "product", None, None),
        (lambda x: F.normalize(x[0] * 2, dim=1) @ F.normalize(W, dim=1).T, "cosine", None, None),
        (lambda x: torch.cat([x.softmax(-1), (x * 2).softmax(-1)]), "softmax", 2, 4),
        (lambda x: torch.stack([x.softmax(-1), (x * 2).softmax(0)]), "Stack", None, None),
        (lambda x: x * 2, "Mul", None, None),
        (lambda x: x, "", None, None),
    ],
)
def test_what_made_it(
    make: Callable[[Tensor], Tensor], kind: str, dim: int | None, classes: int | None
) -> None:
    assert made_by(make(X))[:3] == (kind, dim, classes)


def test_a_chain_is_followed_up_to_a_bound() -> None:
    made = X.softmax(-1)
    for _ in range(200):
        made = made.reshape(made.shape).view(made.shape)
    assert made_by(made).kind == ""
