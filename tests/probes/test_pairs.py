"""Arithmetic between [N] and [N, 1] on the way to a loss, and tables that are made on purpose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.probes.loss.pairs import Pairs, is_table

Loss = Callable[[Tensor, Tensor], Tensor]


def look(watched: Any, loss: Loss) -> list[Any]:
    torch.manual_seed(0)
    model = nn.Linear(4, 1)
    with watched(Pairs) as seen:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(3):
            optimizer.zero_grad()
            x = torch.randn(8, 4)
            loss(model(x), x.sum(1)).backward()
            optimizer.step()
    return [event.data for event in seen.view.events("pairs_compared")]


@pytest.mark.parametrize(
    ("loss", "operation"),
    [
        (lambda p, y: ((y - p) ** 2).mean(), "Sub"),
        (lambda p, y: 0.5 * (p - y).pow(2).sum() / 8 + 1, "Sub"),
        (lambda p, y: -(F.logsigmoid(p) * y).mean(), "Mul"),
        (lambda p, y: (p / y).abs().mean(), "Div"),
        (lambda p, y: (p + y).square().mean().sqrt(), "Add"),
        (lambda p, y: (p - y).clamp(-1, 1).abs().mean() + p.square().mean(), "Sub"),
    ],
)
def test_tables_are_found_with_their_line(watched: Any, loss: Loss, operation: str) -> None:
    (found,) = look(watched, loss)
    assert found["operation"] == operation
    assert sorted([found["one"], found["other"]], key=len) == [[8], [8, 1]]
    assert Path(found["line"][0]).name == "test_pairs.py"
    assert found["line"][1] == loss.__code__.co_firstlineno


@pytest.mark.parametrize(
    "loss",
    [
        lambda p, y: ((y - p.squeeze(1)) ** 2).mean(),
        lambda p, y: ((y[:, None] - p) ** 2).mean(),
        lambda p, y: (p.squeeze(1).unsqueeze(1) - y).square().mean(),  # each with each
        lambda p, y: (p.squeeze(1) - y[:, None]).abs().mean(),
        lambda p, y: F.softplus(p - p.squeeze(1)).mean(),
        lambda p, y: ((p - torch.arange(5.0)) ** 2).mean(),  # rows of unlike length
        lambda p, y: ((p - y.mean()) ** 2).mean(),
        lambda p, y: (p - y).square().mean(1).min(),  # not averaged as a whole
        lambda p, y: p.mean() + (p.detach() - y).mean(),
        lambda p, y: torch.tanh(p * y).mean(),  # behind what is no arithmetic
    ],
)
def test_others_are_left_alone(watched: Any, loss: Loss) -> None:
    assert look(watched, loss) == []


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((8,), (8, 1), True),
        ((5, 5), (5, 5, 1), True),
        ((8, 1), (8, 1), False),
        ((1,), (1, 1), False),
        ((8,), (4, 1), False),
        ((), (8, 1), False),
        ((8,), (1, 8), False),
    ],
)
def test_what_is_a_table(one: Any, other: Any, expected: bool) -> None:
    assert is_table(torch.Size(one), torch.Size(other)) is expected
