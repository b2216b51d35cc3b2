"""The loss of one batch in both modes, and the statistics of batch norm, against plain torch."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from assay.journal.events import MODE_GAP
from assay.probes.evaluation import mode_gap
from assay.probes.evaluation.mode_gap import ModeGap
from assay.probes.model.norm_statistics import NormStatistics
from assay.probes.model.structure import Structure

from .conftest import Watching

pytestmark = pytest.mark.usefixtures("no_haste")


class Halved(nn.Module):
    """Answers half in training mode: its loss is another one in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layer(x)
        if self.training:
            x = x / 2
        return x


def train(model: nn.Module, steps: int = 40) -> tuple[list[float], list[float]]:
    """Returns the losses in training mode, and in evaluation mode, before each step."""
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    losses, others = [], []
    for _ in range(steps):
        x, y = torch.randn(16, 4), torch.randn(16, 1) / 100
        loss = F.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        if isinstance(model, Halved):
            others.append(F.mse_loss(2 * model(x).detach(), y).item())
        optimizer.step()
        losses.append(loss.item())
    return losses, others


def test_the_loss_of_the_same_batch(watched: Watching) -> None:
    with watched(Structure, ModeGap) as seen:
        losses, others = train(Halved())
    training = seen.view.trainings[0]
    here, there = (training.series(f"loss_in_{m}_mode") for m in ("training", "evaluation"))
    assert len(here) == len(there) >= 1
    for step, value in here:
        assert value == pytest.approx(losses[step], rel=1e-6)
    for step, value in there:
        assert value == pytest.approx(others[step], rel=1e-4)
    event = next(iter(seen.view.events(MODE_GAP)))
    assert event.data["only"] == "training"
    assert "div" in event.data["operation"]


def test_batch_norm_by_hand(watched: Watching) -> None:
    seen_by_hand: dict[int, dict[str, float]] = {}

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.layer = nn.BatchNorm1d(4), nn.Linear(4, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            made = self.norm(x)
            wide, eps = x.double(), self.norm.eps
            mean, spread = self.norm.running_mean.double(), self.norm.running_var.double() + eps
            ratio = (spread / (wide.var(0) + eps)).log().mean() / 2
            seen_by_hand[len(seen_by_hand)] = {
                "rows": 16.0,
                "values": 16.0,
                "updates": len(seen_by_hand) + 1.0,
                "offset": float(((mean - wide.mean(0)) ** 2 / spread).mean().sqrt()),
                "spread_ratio": float(ratio.exp()),
            }
            return self.layer(made)

    with watched(Structure, NormStatistics) as seen:
        train(Net())
    training: Any = seen.view.trainings[0]
    for name in ("rows", "values", "updates", "offset", "spread_ratio"):
        series = list(training.series(f"norm_{name}", "norm"))
        assert len(series) >= 10
        for step, value in series:
            assert value == pytest.approx(seen_by_hand[step][name], rel=1e-4)


def test_a_norm_in_evaluation_mode_is_left_alone(watched: Watching) -> None:
    with watched(Structure, NormStatistics) as seen:
        train(nn.Sequential(nn.BatchNorm1d(4).eval(), nn.Linear(4, 1)))
    assert seen.view.trainings[0].places("norm_rows") == ()


class Asking(nn.Module):
    """Says who called it."""

    def forward(self, deeper: Any) -> Any:
        return deeper()


def test_the_line_of_the_user_and_the_module_that_it_called() -> None:
    def asked() -> Any:
        return mode_gap._where()

    (file, _, function), inside = asked()
    assert (file, function) == (__file__, "test_the_line_of_the_user_and_the_module_that_it_called")
    assert inside is None
    code = compile("def pass_on(self, asked):\n    return asked()", torch.nn.__file__, "exec")
    scope: dict[str, Any] = {}
    exec(code, scope)  # a frame of torch's, of a method of a module
    for module, name in ((nn.Linear(1, 1), "Linear"), (nn.Sequential(), None), ("text", None)):
        (_, line, _), inside = scope["pass_on"](module, asked)
        assert inside == name
        assert line == sys._getframe().f_lineno - 2
