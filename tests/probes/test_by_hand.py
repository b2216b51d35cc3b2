"""Steps without an optimizer whose gradients come from `torch.autograd.grad`."""

from __future__ import annotations

import pytest
import torch

from .conftest import Watching


@pytest.mark.parametrize("count", [1, 2])
def test_numbers_of_a_step_are_those_of_its_gradients(watched: Watching, count: int) -> None:
    torch.manual_seed(0)
    x, y = torch.randn(16, 3), torch.randn(16)
    weights = [torch.randn(3, requires_grad=True) for _ in range(count)]
    gradients, before = [], []
    with watched() as seen:
        for _ in range(5):
            loss = (sum(x @ w for w in weights) - y).square().mean()
            found = torch.autograd.grad(loss, weights)
            gradients.append([g.clone() for g in found])
            before.append([w.detach().clone() for w in weights])
            with torch.no_grad():
                for w, g in zip(weights, found, strict=True):
                    w -= 0.1 * g
    (training,) = seen.view.trainings
    for number in range(count):
        place = f"group 0 parameter {number}"
        for signal, value in (
            ("grad_norm", lambda at, n=number: gradients[at][n].norm()),
            ("grad_max", lambda at, n=number: gradients[at][n].abs().max()),
            ("weight_norm", lambda at, n=number: before[at][n].norm()),
            ("update_norm", lambda at, n=number: 0.1 * gradients[at][n].norm()),
        ):
            series = training.series(signal, place)
            assert len(series.values) >= 3, signal
            for step, told in zip(series.steps, series.values, strict=True):
                assert told == pytest.approx(float(value(step)), rel=1e-4), signal


def test_a_gradient_of_what_was_computed_makes_no_step(watched: Watching) -> None:
    weight = torch.randn(3, requires_grad=True)
    with watched() as seen:
        for _ in range(4):
            scaled = 2 * weight
            torch.autograd.grad(scaled.square().sum(), [weight, scaled])
            with torch.no_grad():
                weight -= 0.1
    assert seen.view.trainings == []
