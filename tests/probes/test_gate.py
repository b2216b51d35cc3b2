"""One gate for an event: what it turns off it turns on again, and what fails keeps to itself."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import nn
from torch.distributions import Categorical

from assay.watching.probe import Probe

from .conftest import Watching

HEARD: list[str] = []


class Causes(Probe):
    """Computes what a seam announces in its turn."""

    name = "causes"
    sampled: ClassVar = ("root_end",)

    def on_root_end(self, module: Any, result: Any) -> None:
        Categorical(torch.ones(2))
        HEARD.append("root_end")


class Hears(Probe):
    """Is called within the call of another one."""

    name = "hears"
    sampled: ClassVar = ("distribution", "root_end")

    def on_distribution(self, name: str, probs: Any, logits: Any) -> None:
        HEARD.append(f"{name}, gradients {torch.is_grad_enabled()}")

    def on_root_end(self, module: Any, result: Any) -> None:
        HEARD.append(f"as the user has it: {self.watch.grad_enabled}")


def test_an_event_within_an_event_leaves_gradients_on(watched: Watching) -> None:
    HEARD.clear()
    model = nn.Linear(2, 1)
    with watched(Causes, Hears):
        out = model(torch.ones(3, 2))
        assert torch.is_grad_enabled()
        out.sum().backward()
    assert HEARD == ["Categorical, gradients False", "root_end", "as the user has it: True"]
