"""Weights in the graph of a loss that belong to no model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from assay.journal.events import LOOSE_PARAMETERS
from assay.journal.view import RunView
from assay.probes.structure import Structure

from .conftest import Watching

X = torch.randn(8, 4, generator=torch.Generator().manual_seed(2))


class Stack(nn.Module):
    """Hidden layers in a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = [nn.Linear(4, 4), nn.Linear(4, 4)]  # built here
        self.weight = [nn.Parameter(torch.ones(4))]
        self.out = nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.hidden:
            x = layer(x).relu()
        return self.out(x * self.weight[0])


def train(model: Stack, parameters: Any = None, steps: int = 6) -> None:
    optimizer = torch.optim.SGD(parameters or model.parameters(), lr=0.1)
    for _ in range(steps):
        model(X).square().mean().backward()
        optimizer.step()


def loose(view: RunView) -> list[list[str]]:
    return [sorted(event.data["names"]) for event in view.events(LOOSE_PARAMETERS)]


ALL = ["Linear.bias", "Linear.bias", "Linear.weight", "Linear.weight", "parameter"]


def test_layers_and_weights_in_plain_lists(watched: Watching) -> None:
    with watched(Structure) as seen:
        model = Stack()
        train(model)
    (event,) = seen.view.events(LOOSE_PARAMETERS)
    assert sorted(event.data["names"]) == ALL
    assert (event.data["count"], event.data["elements"]) == (5, 2 * 16 + 2 * 4 + 4)
    assert event.data["by"] is not None
    file, line, _ = event.data["by"]
    assert Path(file).read_text(encoding="utf-8").splitlines()[line - 1].endswith("# built here")
    (training,) = seen.view.trainings
    inside = [p.detach().reshape(-1) for m in model.hidden for p in m.parameters()]
    expected = torch.cat([*inside, torch.ones(4)]).double().norm().item()
    assert training.series("outside_weight_norm").last == pytest.approx(expected, rel=1e-5)


def test_what_an_optimizer_holds_is_not_loose(watched: Watching) -> None:
    with watched(Structure) as seen:
        model = Stack()
        inside = [p for layer in model.hidden for p in layer.parameters()]
        train(model, [*model.parameters(), *inside, *model.weight])
    assert loose(seen.view) == []


def test_judges_loaded_weights_and_what_is_made_for_each_step_are_not_loose(
    watched: Watching,
) -> None:
    class Noisy(Stack):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.weight[0] = nn.Parameter(torch.ones(4))
            return super().forward(x)

    with watched(Structure) as seen:
        model = Noisy()
        model.hidden[0].eval()
        model.hidden[1].load_state_dict(nn.Linear(4, 4).state_dict())
        train(model)
    assert loose(seen.view) == []


def test_a_layer_that_becomes_a_part_is_loose_no_more(watched: Watching) -> None:
    with watched(Structure) as seen:
        model = Stack()
        train(model)
        model.registered = nn.ModuleList(model.hidden)
        train(model, [*model.parameters(), *model.weight])
    assert loose(seen.view) == [ALL, []]
