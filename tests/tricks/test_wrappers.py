"""A model with a wrapper around it is the model, and met once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from suite import attach, in_script, read
from torch import nn


def compiled(model: nn.Module) -> Any:
    return torch.compile(model, backend="eager")


WRAPPERS: list[Callable[[nn.Module], Any]] = [
    compiled,
    nn.DataParallel,
    lambda model: nn.DataParallel(compiled(model)),
]


def model_of() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 2), nn.ReLU(), nn.Linear(2, 1))


def one_step(wrapped: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    wrapped(torch.ones(3, 4)).sum().backward()
    optimizer.step()


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_in_a_script_the_model_is_changed_once(wrap: Callable[[nn.Module], Any]) -> None:
    with in_script("init=he"):
        model = model_of()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        drawn = model[0].weight.detach().clone()
        one_step(wrap(model), optimizer)
    assert torch.equal(model[0].weight, drawn)


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_attached_to_the_model_or_to_the_wrapper(wrap: Callable[[nn.Module], Any]) -> None:
    for meant_is_wrapper in (False, True):
        model = model_of()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        wrapped = wrap(model)
        model.eval()
        with attach([read("train-mode")], [wrapped if meant_is_wrapper else model, optimizer]):
            one_step(wrapped, optimizer)
            assert model.training
