"""Counts of what was done with GradScalers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from assay.journal.events import SCALER
from assay.probes.model.structure import Structure
from assay.probes.precision.scaling import Scaling

from .conftest import Watching

Use = Callable[[Any, "Two"], None]


class Two:
    """Two models, each with an optimizer, and a loss of each."""

    def __init__(self) -> None:
        self.a, self.b = nn.Linear(3, 1), nn.Linear(3, 1)
        self.first = torch.optim.SGD(self.a.parameters(), lr=0.01)
        self.second = torch.optim.SGD(self.b.parameters(), lr=0.01)

    @property
    def loss(self) -> torch.Tensor:
        return self.a(torch.ones(2, 3)).square().sum()

    @property
    def other(self) -> torch.Tensor:
        return self.b(torch.ones(2, 3)).square().sum()


def plain(scaler: Any, two: Two) -> None:
    scaler.scale(two.loss).backward()
    scaler.step(two.first)
    scaler.update()


def past(scaler: Any, two: Two) -> None:
    scaler.scale(two.loss).backward()
    two.first.step()


def unscaled(scaler: Any, two: Two) -> None:
    scaler.scale(two.loss).backward()
    scaler.unscale_(two.first)
    two.first.step()
    scaler.update()


def another_unscaled(scaler: Any, two: Two) -> None:
    scaler.scale(two.loss + two.other).backward()
    scaler.unscale_(two.second)
    two.first.step()
    scaler.step(two.second)
    scaler.update()


def one_through_one_past(scaler: Any, two: Two) -> None:
    scaler.scale(two.loss + two.other).backward()
    scaler.step(two.second)
    two.first.step()
    scaler.update()


def two_losses(scaler: Any, two: Two) -> None:
    losses = scaler.scale([two.loss, two.other])
    torch.autograd.backward(losses)
    scaler.step(two.first)
    scaler.step(two.second)
    scaler.update()


def one_of_two_scaled(scaler: Any, two: Two) -> None:
    scaler.scale(two.loss).backward()
    two.loss.backward()
    two.first.step()


def not_scaled(scaler: Any, two: Two) -> None:
    scaler.scale(two.loss)
    two.loss.backward()
    two.first.step()


@pytest.mark.parametrize(
    ("use", "scaled", "unscaled", "steps", "updates", "looked_at", "past"),
    [
        (plain, 3, 0, 3, 3, 3, 0),
        (past, 3, 0, 0, 0, 3, 3),
        (unscaled, 3, 3, 0, 3, 3, 0),
        (another_unscaled, 3, 3, 3, 3, 6, 3),
        (one_through_one_past, 3, 0, 3, 3, 6, 3),
        (two_losses, 3, 0, 6, 3, 6, 0),
        (one_of_two_scaled, 3, 0, 0, 0, 3, 0),
        (not_scaled, 3, 0, 0, 0, 0, 0),
    ],
)
def test_what_is_counted(
    watched: Watching, use: Use, scaled: int, unscaled: int, steps: int, updates: int,
    looked_at: int, past: int,
) -> None:  # fmt: skip
    with watched(Structure, Scaling) as seen:
        two, scaler = Two(), torch.amp.GradScaler("cpu", init_scale=4.0)
        for _ in range(3):
            two.first.zero_grad()
            two.second.zero_grad()
            use(scaler, two)
    *_, last = seen.view.events(SCALER)
    assert last.data == {
        "scalers": 1, "scaled": scaled, "unscaled": unscaled, "steps": steps, "updates": updates,
        "looked_at": looked_at, "past": past, "late": 0,
    }  # fmt: skip


def test_scalers_are_told_apart(watched: Watching) -> None:
    with watched(Structure, Scaling) as seen:
        two = Two()
        for _ in range(3):
            plain(torch.amp.GradScaler("cpu", init_scale=4.0), two)
    *_, last = seen.view.events(SCALER)
    assert last.data["scalers"] == 3


def test_what_an_earlier_iteration_scaled_is_forgotten(watched: Watching) -> None:
    with watched(Structure, Scaling) as seen:
        two, scaler = Two(), torch.amp.GradScaler("cpu", init_scale=4.0)
        loss = scaler.scale(two.loss)
        loss.backward(retain_graph=True)
        scaler.unscale_(two.first)
        two.first.step()
        scaler.update()
        for _ in range(2):
            two.loss.backward()
            two.first.step()
        loss = scaler.scale(two.loss)
        loss.backward()
        two.first.step()  # what was unscaled was unscaled for another step
    *_, last = seen.view.events(SCALER)
    assert (last.data["looked_at"], last.data["past"]) == (2, 1)


def test_a_line_each_time_the_count_has_grown_by_a_fifth(watched: Watching) -> None:
    with watched(Structure, Scaling) as seen:
        two, scaler = Two(), torch.amp.GradScaler("cpu", init_scale=4.0)
        for _ in range(40):
            two.first.zero_grad()
            plain(scaler, two)
    counts = [event.data["scaled"] for event in seen.view.events(SCALER)]
    written = [1]
    while (following := max(written[-1] + 1, written[-1] * 1.2)) <= 40:
        written.append(next(n for n in range(1, 41) if n >= following))
    assert sorted(set(counts)) == sorted({*written, 40})
    assert len(counts) == len(written) + 1, "and at the end"


def test_the_first_step_past_it_is_written_at_once(watched: Watching) -> None:
    with watched(Structure, Scaling) as seen:
        two, scaler = Two(), torch.amp.GradScaler("cpu", init_scale=4.0)
        for number in range(12):
            two.first.zero_grad()
            (past if number == 10 else plain)(scaler, two)
            if number == 10:
                scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    found = [(event.data["scaled"], event.data["past"]) for event in seen.view.events(SCALER)]
    assert (11, 1) in found
    assert found[-1] == (12, 1)


def test_a_run_without_a_scaled_loss_has_no_line(watched: Watching) -> None:
    with watched(Structure, Scaling) as seen:
        two = Two()
        scaler = torch.amp.GradScaler("cpu", enabled=False)
        plain(scaler, two)
    assert list(seen.view.events(SCALER)) == []
