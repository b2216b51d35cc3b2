"""Frozen parameters, by group, and attributes that thaw nothing."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from assay.probes.model.freezing import Freezing
from assay.probes.model.structure import Structure


def train(watched: Any, model: nn.Module, change: Any, groups: Any) -> Any:
    with watched(Structure, Freezing) as seen:
        change(model)
        optimizer = torch.optim.SGD(groups(model), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.ones(2, 4)).sum().backward()
            optimizer.step()
    assert not seen.view.errors
    return seen.view


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 1)).requires_grad_(False)


def test_an_attribute_of_a_module(watched: Any) -> None:
    def change(model: Any) -> None:
        model[2].requires_grad_(True)
        model[1].requires_grad = True
        model[0].requires_grad = True
        model[0].requires_grad_(True)

    view = train(watched, network(), change, lambda m: m.parameters())
    (training,) = view.trainings
    vain = {p: training.series("thawed_in_vain", p).last for p in training.places("thawed_in_vain")}
    assert vain == {"1": 1.0}  # the other one was thawed in the right way after that
    (event,) = view.events("vain_thaw")
    assert event.data["line"][1:] == [change.__code__.co_firstlineno + 2, "change"]
    assert training.series("frozen_share", "group 0").last == pytest.approx(1 / 3)


def test_a_misspelt_attribute_of_a_parameter(watched: Any) -> None:
    def change(model: Any) -> None:
        model[2].requires_grad_(True)
        model[0].weight.require_grad = True

    view = train(watched, network(), change, lambda m: m.parameters())
    assert view.trainings[0].places("thawed_in_vain") == ("0.weight",)


def test_what_is_frozen_and_has_a_gradient_is_not_counted(watched: Any) -> None:
    model = network().requires_grad_(True)
    with watched(Structure, Freezing) as seen:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        model(torch.ones(2, 4)).sum().backward()
        model.requires_grad_(False)  # for the other player's pass
        optimizer.step()
    assert seen.view.trainings[0].series("frozen_share", "group 0").last == 0


def test_a_module_that_keeps_a_flag_of_its_own(watched: Any) -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 1).requires_grad_(False)
            self.requires_grad = True
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x) * self.scale

    view = train(watched, Own(), lambda m: None, lambda m: m.parameters())
    assert not view.trainings[0].places("thawed_in_vain")


def test_an_attribute_that_freezes_nothing(watched: Any) -> None:
    def change(model: Any) -> None:
        model[0].requires_grad = False
        model[1].requires_grad = False
        model[1].requires_grad_(False)

    view = train(watched, network().requires_grad_(True), change, lambda m: m.parameters())
    (training,) = view.trainings
    assert training.places("frozen_in_vain") == ("0",)
    assert list(training.series("frozen_in_vain", "0").values) == [1.0] * 3
    (event,) = view.events("vain_freeze")
    assert event.data["line"][1:] == [change.__code__.co_firstlineno + 1, "change"]


def test_what_another_optimizer_holds_is_none_of_this_ones(watched: Any) -> None:
    def change(model: Any) -> None:
        vars(model[0])["requires_grad"] = False

    view = train(watched, network().requires_grad_(True), change, lambda m: m[1:].parameters())
    assert not view.trainings[0].places("frozen_in_vain")
