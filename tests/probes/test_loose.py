"""Weights in the graph of a loss that belong to no model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from assay.journal.events import LOOSE_PARAMETERS
from assay.journal.view import RunView
from assay.probes.model.loose import Loose
from assay.probes.model.structure import Structure

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


class Known:
    """The names that a test gives; `later` are those that a look through all roots finds."""

    def __init__(self, *later: Any) -> None:
        self.now: set[int] = set()
        self.later, self.scans = {id(one) for one in later}, 0

    def parameter(self, one: Any) -> str | None:
        return "a name" if id(one) in self.now else None

    def module(self, one: Any) -> str | None:
        return self.parameter(one)

    def rescan(self) -> None:
        self.scans += 1
        self.now |= self.later


def alone(names: Any, loaded: Any = ()) -> Loose:
    return Loose(names, lambda module: ("net.py", 3, type(module).__name__),
                 lambda p: any(p is one for one in loaded))  # fmt: skip


def seen(loose: Loose, *parameters: nn.Parameter, times: int = 3) -> None:
    for p in parameters:
        p.grad = torch.ones_like(p)
    for _ in range(times):
        loose.look(0, [(2 * p).sum() for p in parameters])


def test_parameters_of_layers_that_belong_to_no_model() -> None:
    layer, bare = nn.Linear(2, 2), nn.Parameter(torch.ones(3))
    names = Known()
    loose = alone(names)
    assert [loose.wanted(0), loose.wanted(1)] == [True, True]
    loose.called(layer)
    seen(loose, layer.weight, layer.bias, bare)
    assert [loose.wanted(0), loose.wanted(1)] == [False, True]
    found, tensors, site = loose.found(set())
    assert sorted(found) == ["Linear.bias", "Linear.weight", "parameter"]
    assert sorted(len(tensor) for tensor in tensors) == [2, 2, 3]
    assert not any(tensor.requires_grad for tensor in tensors)
    assert site == ("net.py", 3, "Linear")
    assert names.scans == 1
    assert sorted(loose.found({id(layer.weight)})[0]) == ["Linear.bias", "parameter"]
    layer.bias.grad = None
    assert sorted(loose.found(set())[0]) == ["Linear.weight", "parameter"]
    layer.eval()
    found, (tensor,), site = loose.found(set())
    assert (found, site) == (["parameter"], None)
    assert torch.equal(tensor, bare)


def test_what_has_a_name_by_then_and_what_was_loaded() -> None:
    one, other = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    names = Known(one)
    loose = alone(names, [other])
    seen(loose, one, other)
    assert loose.found(set()) == ([], [], None)
    assert names.scans == 1
    names = Known()
    names.now = {id(one)}
    loose = alone(names)
    seen(loose, one)
    assert loose.found(set()) == ([], [], None)
    assert names.scans == 0


def test_what_was_met_once_is_made_for_each_step() -> None:
    one, other = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    loose = alone(Known())
    seen(loose, one, times=1)
    assert loose.found(set())[0] == []
    seen(loose, other, times=2)
    assert len(loose.found(set())[0]) == 1
    single = alone(Known())
    for _ in range(2):
        single.look(0, (2 * one).sum())
    assert len(single.found(set())[0]) == 1


def test_200_and_no_more() -> None:
    many = [nn.Parameter(torch.ones(1)) for _ in range(210)]
    loose = alone(Known())
    seen(loose, *many)
    assert len(loose.found(set())[0]) == 200
    layers = [nn.ReLU() for _ in range(210)]
    for layer in layers:
        loose.called(layer)
    assert len(loose._modules) == 200
    names = Known()
    names.now = {id(layers[0])}
    loose = alone(names)
    loose.called(layers[0])
    assert loose._modules == {}
