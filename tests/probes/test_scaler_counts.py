"""What is counted of a GradScaler, call by call, and when it is written."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

from assay.probes.precision.scaling import WRITTEN_EACH, Scaling

from .noting import Noting


class Script:
    """A scaler, an optimizer and the calls of a step."""

    def __init__(self) -> None:
        self.watch = Noting(scalers=SimpleNamespace(of=id))
        self.probe = Scaling(self.watch)
        self.scaler: Any = SimpleNamespace(is_enabled=lambda: True)
        self.optimizer = object()
        self.kept: list[Any] = []

    def scales(self) -> torch.Tensor:
        loss = torch.ones(1)
        scaled = loss * 8
        self.kept.append(scaled)
        self.probe.on_scaled(loss, scaled)
        return scaled

    def step(self, *, through: bool = True, unscales: bool = False, scaled: bool = True) -> None:
        self.probe.iteration_begins()
        root = self.scales()
        self.probe.on_backward_begin(root if scaled else torch.ones(1), False)
        if unscales:
            self.probe.on_unscaled(self.scaler, self.optimizer)
        if through:
            self.probe.on_scaler_step(self.scaler, self.optimizer)
        self.probe.on_step_end(self.optimizer)
        self.probe.on_scaler_update(self.scaler)

    def counts(self, *names: str) -> list[int]:
        return [self.probe._counts[name] for name in names]


def test_steps_through_a_scaler() -> None:
    script = Script()
    for _ in range(10):
        script.step()
    assert script.probe._counts == {
        "scaled": 10, "unscaled": 0, "steps": 10, "updates": 10, "late": 0, "looked_at": 10,
        "past": 0,
    }  # fmt: skip
    written = [data["scaled"] for _, data in script.watch.events]
    expected, due = [], 1.0
    for count in range(1, 11):
        if count >= due:
            expected.append(count)
            due = max(count + 1, count * WRITTEN_EACH)
    assert written == expected
    script.probe.finish()
    assert script.watch.events[-1][1]["scaled"] == 10
    assert script.watch.events[-1][1]["scalers"] == 1


def test_steps_past_a_scaler() -> None:
    for options, past, looked in (
        ({"through": False}, 1, 1),
        ({"through": False, "unscales": True}, 0, 1),
        ({"through": False, "scaled": False}, 0, 0),
        ({}, 0, 1),
    ):
        script = Script()
        script.step(**options)
        assert script.counts("past", "looked_at") == [past, looked]
        assert script.counts("unscaled") == [int("unscales" in options)]
    script = Script()
    script.probe.on_backward_begin(script.scales(), False)
    script.probe.on_backward_begin(torch.ones(1), False)
    script.probe.on_step_end(script.optimizer)
    assert script.counts("past", "looked_at") == [0, 1]  # gradients of both kinds are in it


def test_an_update_before_the_step() -> None:
    script = Script()
    script.scales()
    script.probe.on_scaler_update(script.scaler)
    script.probe.on_scaler_step(script.scaler, script.optimizer)
    assert script.counts("late") == [1]
    assert script.watch.events[-1][1]["late"] == 1
    other = Script()
    other.scales()
    other.probe.on_scaler_update(other.scaler)
    other.scales()
    other.probe.on_scaler_step(other.scaler, other.optimizer)
    assert other.counts("late") == [0]


def test_a_scaler_that_is_off() -> None:
    script = Script()
    script.scaler.is_enabled = lambda: False
    loss = torch.ones(1)
    script.probe.on_scaled(loss, loss)
    script.probe.on_scaler_update(script.scaler)
    script.probe.finish()
    assert script.counts("scaled", "updates") == [0, 0]
    assert script.watch.events == []


def test_losses_are_kept_in_samples_alone() -> None:
    script = Script()
    script.watch.sampling = False
    script.step(through=False)
    assert script.counts("scaled", "past", "looked_at") == [1, 0, 0]
