"""centralise-gradients against the authors' few lines, by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from suite import (
    STEPPING,
    Hand,
    assert_same,
    by_hand,
    differs,
    in_script,
    parameters_of,
    plain,
    treated,
)
from torch import nn


class Centralised(Hand):
    """`centralized_gradient` of the authors' SGD.py, over every weight."""

    def gradients(self, optimizer: Any) -> None:
        for p in parameters_of(optimizer):
            x = p.grad
            if x is not None and len(x.size()) > 1:
                x.add_(-x.mean(dim=tuple(range(1, len(x.size()))), keepdim=True))


@pytest.mark.parametrize("attached", [False, True], ids=["script", "attached"])
@pytest.mark.parametrize("workload", [*STEPPING, "unscaled", "fused"])
def test_to_the_last_bit(workload: str, attached: bool) -> None:
    found = treated(workload, "centralise-gradients", attached=attached)
    if workload in ("unscaled", "fused"):  # no place for a hand between unscaling and step
        assert differs(found, plain(workload))
        return
    assert_same(found, by_hand(workload, Centralised()))
    assert differs(found, plain(workload))


def stepped(layer: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """The changes that one step of SGD with rate 1 makes to a layer's parameters."""
    before = [p.detach().clone() for p in layer.parameters()]
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    (layer(x) ** 2).sum().backward()
    optimizer.step()
    return [p.detach() - old for p, old in zip(layer.parameters(), before, strict=True)]


@pytest.mark.parametrize(
    ("make", "x"),
    [
        (lambda: nn.Linear(5, 3), torch.ones(2, 5)),
        (lambda: nn.Conv2d(2, 3, 3), torch.ones(1, 2, 4, 4)),
    ],
)
def test_updates_of_each_unit_sum_to_zero_and_biases_keep_theirs(make: Any, x: Any) -> None:
    x = x * torch.linspace(0.5, 2.0, x.numel()).reshape(x.shape)
    torch.manual_seed(0)
    usual = stepped(make(), x)
    torch.manual_seed(0)
    with in_script("centralise-gradients"):
        weight, bias = stepped(make(), x)
    torch.testing.assert_close(weight.flatten(1).sum(1), torch.zeros(3), atol=1e-4, rtol=0)
    assert usual[0].flatten(1).sum(1).abs().min() > 1.0
    assert torch.equal(bias, usual[1])


def test_sparse_gradients_are_left_alone() -> None:
    torch.manual_seed(0)
    usual = stepped(nn.Embedding(4, 3, sparse=True), torch.tensor([1, 2]))
    torch.manual_seed(0)
    with in_script("centralise-gradients"):
        found = stepped(nn.Embedding(4, 3, sparse=True), torch.tensor([1, 2]))
    assert torch.equal(found[0], usual[0])
