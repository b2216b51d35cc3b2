"""The share of the gradient that float16 rounds to 0, against that of float64."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from assay.probes.model.structure import Structure
from assay.probes.precision.half_gradients import HalfGradients

from .noting import Noting


def look(watched: Any, scale: float, *, own: bool = False) -> Any:
    torch.manual_seed(0)
    model = nn.Linear(40, 25)
    x = torch.randn(8, 40, requires_grad=True)
    with watched(Structure, HalfGradients) as seen:
        if own:
            model.register_full_backward_hook(lambda *_: None)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        for _ in range(3):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.float16):
                y = model(x)
            (scale * y.float().square().sum()).backward()
            optimizer.step()
    assert not seen.view.errors
    exact = 2 * scale * (x.half().double() @ model.weight.half().double().T
                         + model.bias.half().double())  # fmt: skip
    gradient = exact.half().float().T @ x.half().float()
    return seen.view, float((gradient.half() == 0).float().mean())


@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e-8])
def test_the_share_of_elements_that_are_lost(watched: Any, scale: float) -> None:
    view, expected = look(watched, scale)
    (training,) = view.trainings
    shares = training.series("grad_underflow_share", "weight").values
    assert list(shares) == [pytest.approx(expected, abs=0.03)] * 2
    whole = training.series("grad_underflow_share", "").values
    assert list(whole) == [pytest.approx(expected, abs=0.05)] * 2
    assert (expected > 0.1) == (scale < 1e-7)


def test_a_loss_that_can_be_no_larger(watched: Any) -> None:
    view, _ = look(watched, 3e3)
    assert set(view.trainings[0].series("grad_underflow_share", "").values) == {0.0}


def test_hooks_of_the_user_are_not_called_twice(watched: Any) -> None:
    view, _ = look(watched, 1e-8, own=True)
    assert not view.trainings[0].places("grad_underflow_share")
    assert "hooks" in view.skipped["half_gradients"]


def test_float32_is_not_measured(watched: Any) -> None:
    model = nn.Linear(2, 2)
    with watched(HalfGradients) as seen:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()
    assert not seen.view.trainings[0].places("grad_underflow_share")


@pytest.mark.parametrize(
    ("scale", "shares"),
    [
        (2.0**-12, {"a parameter": 1 / 3, "": 2 / 5}),
        (2.0**8, {"a parameter": 0.0, "": 0.0}),
        (2.0**20, {}),  # it overflows already
        (2.0**15, {"": 0.0}),  # no larger one is possible
    ],
)
def test_elements_that_are_lost_one_by_one(scale: float, shares: dict[str, float]) -> None:
    watch: Any = Noting()
    watch.names.parameter = lambda one: "a parameter" if one is first else None
    first, second, unused = (torch.ones(n, dtype=torch.half, requires_grad=True) for n in (3, 2, 1))
    loss = (first * torch.tensor([1.0, 2.0**-10, 2.0**-14]).half()).float().sum()
    loss = (loss + (second * torch.tensor([2.0**-14, 1.0]).half()).float().sum()) * scale
    HalfGradients(watch)._measure(loss, [first, second, unused])
    found = {place: value for (_, place), value in watch.numbers.items()}
    assert found == {place.partition(" ")[0]: pytest.approx(v) for place, v in shares.items()}
