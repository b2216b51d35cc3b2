"""What half precision did not hold, in the graph of a loss that is not finite."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from assay.probes.model.structure import Structure
from assay.probes.optimizer.optimizers import Optimizers
from assay.probes.precision import half_ranges
from assay.probes.precision.half_ranges import HalfRanges

from .noting import Noting


def facts(watched: Any, loss_of: Callable[[Tensor], Tensor], start: float = 1.0) -> list[Any]:
    with watched(Structure, Optimizers, HalfRanges) as seen:
        weight = nn.Parameter(torch.full((4,), start))
        optimizer = torch.optim.SGD([weight], 0.0)
        for _ in range(2):
            optimizer.zero_grad()
            loss_of(weight).backward()
            optimizer.step()
    return [
        (e.data["kind"], e.data["op"], e.data["dtype"], e.data["share"])
        for e in seen.view.events("half_range")
    ]


def test_a_product_that_overflows(watched: Any) -> None:
    def loss(w: Tensor) -> Tensor:
        large = 300 * w.half()
        over = (large * large / 2) @ w.half()
        return (over - over).float()

    assert facts(watched, loss) == [("overflow", "Mul", "float16", 1.0)]


def test_a_logarithm_of_zero(watched: Any) -> None:
    def loss(w: Tensor) -> Tensor:
        return torch.log(w.half() * 1e-8).float().sum()

    assert facts(watched, loss) == [("log", "Log", "float16", 1.0)]


def test_an_exponential_that_is_infinite(watched: Any) -> None:
    def loss(w: Tensor) -> Tensor:
        over = torch.exp(12 * w.half())
        return (over - over).float().sum()

    assert facts(watched, loss) == [("exp", "Exp", "float16", 1.0)]


def test_a_row_that_is_masked_throughout(watched: Any) -> None:
    def loss(w: Tensor) -> Tensor:
        scores = w.half().reshape(2, 2) + torch.tensor([[0.0, 0.0], [-torch.inf] * 2]).half()
        return scores.softmax(-1).float().sum()

    assert facts(watched, loss) == [("softmax", "Softmax", "float16", 0.5)]


@pytest.mark.parametrize(
    "loss",
    [
        lambda w: torch.log(w * 0).sum(),  # float32
        lambda w: torch.exp(100 * w).sum(),
        lambda w: torch.log(-w.half()).float().sum(),  # no precision helps
        lambda w: w.half().float().sum(),
    ],
)
def test_what_is_no_matter_of_half_precision(loss: Any, watched: Any) -> None:
    assert facts(watched, loss) == []


def test_weights_that_are_not_finite(watched: Any) -> None:
    assert facts(watched, lambda w: torch.exp(w.half()).float().sum(), torch.inf) == []


class Unrecorded(Noting):
    """Lets a graph be looked at."""

    def unrecorded(self) -> Any:
        return contextlib.nullcontext()


def infinite(start: float = 1.0) -> Tensor:
    w = torch.full((4,), start, requires_grad=True)
    large = 300 * w.half()
    over = (large * large / 2) @ w.half()
    return (over - over).float()


def test_how_often_a_graph_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Unrecorded()
    probe = HalfRanges(watch)
    whole = torch.ones(2, requires_grad=True).sum()
    for left in range(half_ranges.LOOKS_AT_MOST - 1, -1, -1):
        probe.on_loss_not_finite(whole)
        assert probe._looks == left
    probe.on_loss_not_finite(infinite())
    assert watch.events == []
    probe = HalfRanges(watch)
    probe.on_loss_not_finite([infinite()])
    probe.on_loss_not_finite(torch.ones(()))
    assert probe._looks == half_ranges.LOOKS_AT_MOST
    probe.on_checkpointing()
    probe.on_loss_not_finite(infinite())
    assert (watch.events, probe._looks) == ([], 0)
    probe = HalfRanges(watch)
    probe.on_loss_not_finite(infinite())
    assert ([kind for kind, _ in watch.events], probe._looks) == (["half_range"], 0)
    probe = HalfRanges(watch)
    probe.on_loss_not_finite(infinite(float("inf")))
    assert (len(watch.events), probe._looks) == (1, 0), "weights are infinite themselves"
