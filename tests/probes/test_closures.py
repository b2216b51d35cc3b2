"""What a closure that is called again within a step finds of its last call's gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from assay.probes.gradient.closures import Closures
from assay.probes.loss.losses import Losses
from assay.probes.model.structure import Structure

from .conftest import Watching

X, Y = torch.eye(4), torch.arange(4.0).reshape(4, 1)


def trained(watched: Watching, clear: Callable[[Any, int], None], **settings: Any) -> Any:
    """Three steps of L-BFGS; `clear` is told of each call of the closure within its step."""
    torch.manual_seed(0)
    model = nn.Linear(4, 1)
    first, norms, left = [], [], []
    with watched(Structure, Losses, Closures) as seen:
        optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, **settings)
        for _ in range(3):
            calls = 0
            optimizer.zero_grad()
            left.clear()

            def closure() -> torch.Tensor:
                nonlocal calls
                clear(optimizer, calls)
                if calls and (gradients := [p.grad for p in model.parameters()])[0] is not None:
                    left.append(float(torch.cat([g.flatten() for g in gradients]).norm()))
                calls += 1
                loss = nn.functional.mse_loss(model(X), Y)
                if calls == 1:
                    first.append(loss.item())
                loss.backward()
                return loss

            optimizer.step(closure)
            norms.append(min(left, default=0.0))
    (training,) = seen.view.trainings
    return training, first, norms


def test_the_least_of_what_is_left_over_is_written(watched: Watching) -> None:
    training, _, norms = trained(watched, lambda optimizer, call: None, max_iter=4)
    assert list(training.series("stale_in_closure").values) == pytest.approx(norms, rel=1e-5)
    assert min(norms) > 0


@pytest.mark.parametrize("once", [False, True])
def test_a_call_that_clears_finds_none(watched: Watching, once: bool) -> None:
    def clear(optimizer: Any, call: int) -> None:
        if not once or call == 2:
            optimizer.zero_grad()

    training, _, _ = trained(watched, clear, max_iter=4)
    assert list(training.series("stale_in_closure").values) == [0.0] * 3


def test_one_call_says_nothing_and_leaves_nothing_for_the_next_step(watched: Watching) -> None:
    training, _, _ = trained(watched, lambda optimizer, call: None, max_iter=1, max_eval=1)
    assert not len(training.series("stale_in_closure"))


def test_the_loss_of_a_step_is_that_of_its_first_call(watched: Watching) -> None:
    training, first, _ = trained(watched, lambda optimizer, call: optimizer.zero_grad(), max_iter=4)
    (place,) = training.places("loss_call_value")
    assert list(training.series("loss_call_value", place).values) == pytest.approx(first)
