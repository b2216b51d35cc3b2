"""One gate for an event: what it turns off it turns on again, and what fails keeps to itself."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from torch import nn
from torch.distributions import Categorical

from assay.watching import gate as module
from assay.watching.gate import LAST_FIRST, TIMED_EACH, TIMED_FIRST, Gate
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


class Timed:
    """Stands in for samples, on clocks that the listener moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.active, self.recording, self.grad_enabled = True, None, False
        self.own_s = self.cpu_s = self.now = 0.0
        self.errors: list[Any] = []
        self.gate = Gate(self, SimpleNamespace(contain_of=self.contain), "loss")  # type: ignore[arg-type]
        monkeypatch.setattr(module, "perf_counter", lambda: self.now)
        monkeypatch.setattr(module, "thread_time", lambda: self.now)

    def contain(self, event: str, listener: Any, error: Exception) -> None:
        self.errors.append((event, str(error)))

    def takes(self, seconds: float) -> Callable[[], None]:
        def listener() -> None:
            self.now += seconds

        return listener


def test_of_many_calls_a_few_are_timed_and_stand_for_the_others(monkeypatch: Any) -> None:
    told = Timed(monkeypatch)
    told.gate.add(told.takes(1.0))
    for number in range(1, TIMED_FIRST + 1):
        told.gate()
        assert (told.own_s, told.cpu_s) == (number, number)
    for _ in range(3 * TIMED_EACH):
        told.gate()
    assert told.own_s == TIMED_FIRST + 3 * TIMED_EACH
    assert told.cpu_s == TIMED_FIRST + 3 * TIMED_EACH
    told.active = False
    told.gate()
    assert told.own_s == TIMED_FIRST + 3 * TIMED_EACH


def test_one_that_fails_or_ends_the_sample(monkeypatch: Any) -> None:
    told, heard = Timed(monkeypatch), []

    def fails() -> None:
        raise ValueError("no")

    def ends() -> None:
        heard.append(torch.is_grad_enabled())
        told.active = False

    for listener in (fails, ends, lambda: heard.append("too late")):
        told.gate.add(listener)
    told.gate()
    assert told.errors == [("loss", "no")]
    assert heard == [False]
    assert torch.is_grad_enabled()
    assert told.grad_enabled is False


def test_a_recording_stands_aside(monkeypatch: Any) -> None:
    told, said = Timed(monkeypatch), []
    first, second = (
        SimpleNamespace(
            pause=lambda n=n: said.append(f"pause {n}"), resume=lambda n=n: said.append(f"go {n}")
        )
        for n in (1, 2)
    )
    told.recording = first
    told.gate.add(lambda: setattr(told, "recording", second))
    told.gate.add(lambda: said.append("looks"))
    told.gate()
    assert said == ["pause 1", "pause 2", "looks", "go 2"]
    told.gate._listeners = [lambda: setattr(told, "recording", None)]
    told.gate()
    assert said[4:] == ["pause 2"]


@pytest.mark.parametrize(("event", "order"), [("loss", "ab"), (next(iter(LAST_FIRST)), "ba")])
def test_who_hears_first(event: str, order: str) -> None:
    gate: Any = Gate(SimpleNamespace(), SimpleNamespace(), event)  # type: ignore[arg-type]
    heard: list[str] = []
    for name in "ab":
        gate.add(lambda name=name: heard.append(name))
    for listener in gate._listeners:
        listener()
    assert heard == [*order]
