"""Other models and data for the workloads, where a trick needs what those of the suite lack."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from kitchen import KitchenModel
from suite import WORKLOADS, Hand
from torch import nn

OWN_DATA = ("tied", "kitchen")
"""Workloads that stay as they are: one has words, the other images, residual blocks and dropout."""


@pytest.fixture
def on_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workloads of `kitchen`'s residual network on images."""

    def init(self: Any, hand: Hand) -> None:
        super(type(self), self).__init__(hand)
        self.x = self.x.unflatten(1, (1, 8, 8))

    changes = {"__init__": init, "make_model": lambda self: KitchenModel()}
    for name in WORKLOADS.keys() - OWN_DATA:
        monkeypatch.setitem(WORKLOADS, name, type(name, (WORKLOADS[name],), changes))


class Layered(nn.Module):
    """Layers and an activation that is a module, without dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(64, 16)
        self.act = nn.ReLU()
        self.head = nn.Linear(16, 10)
        self.last = nn.Softplus()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.head(self.act(self.first(x))))


@pytest.fixture
def layered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workloads of a model whose activations are modules."""
    changes = {"make_model": lambda self: Layered()}
    for name in WORKLOADS.keys() - OWN_DATA:
        monkeypatch.setitem(WORKLOADS, name, type(name, (WORKLOADS[name],), changes))
