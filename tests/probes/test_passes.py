"""What backward passes left for a step, and what a call that clips was given."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

from assay.journal.events import CLIPPING
from assay.journal.view import Training
from assay.probes.gradient.clipping import Clipping
from assay.probes.gradient.gradients import Gradients
from assay.probes.gradient.passes import Passes
from assay.probes.model.structure import Structure
from assay.probes.optimizer.optimizers import Optimizers

X, Y = torch.randn(16, 3), torch.randn(16, 1)
ALL = (Structure, Optimizers, Gradients, Passes, Clipping)


def make(rate: float = 0.1) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    return model, torch.optim.SGD(model.parameters(), rate)


def values(training: Training, signal: str) -> list[float]:
    return list(training.series(signal).values)


def norm(model: nn.Module) -> float:
    return float(torch.cat([p.grad.double().flatten() for p in model.parameters()]).norm())


def test_a_scaled_loss(watched: Any) -> None:
    expected = []
    with watched(*ALL) as seen:
        model, optimizer = make()
        scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
        for _ in range(4):
            optimizer.zero_grad()
            scaler.scale(mse_loss(model(X), Y)).backward()
            expected.append(norm(model))
            scaler.step(optimizer)
            scaler.update()
    training = seen.view.trainings[0]
    assert values(training, "raw_grad_norm") == pytest.approx(expected)
    assert values(training, "grad_norm") == pytest.approx([x / 8 for x in expected])
    assert values(training, "scaled_passes") == [1.0] * 4
    assert values(training, "loss_scaled_by") == [8.0] * 4
    assert values(training, "mean_loss_passes") == [1.0] * 4


def test_a_sum_of_scaled_losses_is_scaled(watched: Any) -> None:
    with watched(*ALL) as seen:
        model, optimizer = make()
        scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
        for _ in range(3):
            optimizer.zero_grad()
            first, second = scaler.scale(model(X).mean()), scaler.scale(model(X).square().mean())
            total = first + second
            del first, second
            total.backward()
            scaler.step(optimizer)
            scaler.update()
    assert values(seen.view.trainings[0], "scaled_passes") == [1.0] * 3
    assert values(seen.view.trainings[0], "mean_loss_passes") == [0.0] * 3
    assert list(seen.view.events("unscaled_pass")) == []


def test_a_pass_beside_it_that_is_not_scaled(watched: Any) -> None:
    with watched(*ALL) as seen:
        model, optimizer = make()
        scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
        for _ in range(3):
            optimizer.zero_grad()
            scaler.scale(mse_loss(model(X), Y)).backward()
            model(X).square().mean().backward()  # unscaled
            scaler.step(optimizer)
            scaler.update()
    assert values(seen.view.trainings[0], "scaled_passes") == [1.0] * 3
    assert values(seen.view.trainings[0], "backward_passes") == [2.0] * 3
    (event,) = seen.view.events("unscaled_pass")
    with open(__file__) as text:
        line = next(n for n, row in enumerate(text, 1) if row.endswith("# unscaled\n"))
    assert event.site.line == line


def test_several_passes_on_means_and_on_parts_of_them(watched: Any) -> None:
    expected = []
    with watched(*ALL) as seen:
        model, optimizer = make()
        for parts in (1, 2):
            for _ in range(2):
                optimizer.zero_grad()
                for rows in torch.arange(16).split(8):
                    loss = mse_loss(model(X[rows]), Y[rows])
                    (loss if parts == 1 else loss / parts).backward()
                expected.append(norm(model))
                optimizer.step()
    training = seen.view.trainings[0]
    assert values(training, "mean_loss_passes") == [2.0, 2.0, 0.0, 0.0]
    assert values(training, "raw_grad_norm") == pytest.approx(expected)


@pytest.mark.parametrize(
    ("when", "counts"),
    [("before", (0, 0)), ("after", (8, 0)), ("cleared", (0, 8)), ("zeroed", (0, 8))],
)
def test_what_is_clipped(when: str, counts: tuple[int, int], watched: Any) -> None:
    with watched(*ALL) as seen:
        model, optimizer = make(0.001)
        for _ in range(8):
            if when in ("cleared", "zeroed"):
                optimizer.zero_grad(set_to_none=when == "cleared")
                if when == "zeroed":
                    for p in model.parameters():
                        p.grad = torch.zeros_like(p)
                nn.utils.clip_grad_norm_(model.parameters(), 0.01)
            mse_loss(model(X), Y).backward()
            if when == "before":
                nn.utils.clip_grad_norm_(model.parameters(), 0.01)
            optimizer.step()
            if when == "after":
                nn.utils.clip_grad_value_(model.parameters(), 0.01)
            if when in ("before", "after"):
                optimizer.zero_grad()
    events = list(seen.view.events(CLIPPING))
    assert [event.data["calls"] for event in events] == [1, 2, 4, 8]
    last = events[-1].data
    assert (last["used"], last["empty"]) == counts
    assert last["larger"] == (8 if when == "before" else 0)


def test_what_was_written_into_since_the_step_is_not_used(watched: Any) -> None:
    with watched(*ALL) as seen:
        model, optimizer = make(0.001)
        for _ in range(4):
            mse_loss(model(X), Y).backward()
            optimizer.step()
            for p in model.parameters():
                p.grad.mul_(0.5).add_(1.0)
            nn.utils.clip_grad_norm_(model.parameters(), 0.01)
    assert list(seen.view.events(CLIPPING))[-1].data["used"] == 0
