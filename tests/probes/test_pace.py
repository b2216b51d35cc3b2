"""Where the time of a step goes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from assay.probes.run import pace
from assay.probes.run.pace import Pace

from .noting import Noting


class Slow(nn.Module):
    """Sleeps in its forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(0.02)
        return self.layer(x)


def test_each_part_has_its_own_time(watched: Any) -> None:
    data = torch.utils.data.TensorDataset(torch.randn(40, 4))
    with watched(Pace) as seen:
        model = Slow()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for (batch,) in torch.utils.data.DataLoader(data, batch_size=4):
            loss = model(batch).square().mean() + model(batch).square().mean()
            optimizer.zero_grad()
            loss.backward()
            time.sleep(0.01)
            optimizer.step()
    (training,) = seen.view.trainings
    for part in ("forward_s", "backward_s", "step_s", "data_wait_s"):
        values = training.series(part).values
        assert len(values) == 10, part
        assert all(value >= 0 for value in values)
    assert median(training.series("forward_s").values) >= 0.035, "both calls of the model count"
    assert sorted(training.series("step_s").values)[5] < 0.01
    assert sorted(training.series("backward_s").values)[5] < 0.02
    assert training.series("memory_peak").last > 1e7
    assert sorted(training.series("memory_peak").values) == list(
        training.series("memory_peak").values
    )


def test_a_closure_is_not_the_optimizers_time(watched: Any) -> None:
    with watched(Pace) as seen:
        model = Slow()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            loss = model(torch.ones(2, 4)).square().mean()
            loss.backward()
            return loss

        for _ in range(5):
            optimizer.step(closure)
    (training,) = seen.view.trainings
    assert not len(training.series("step_s"))
    assert median(training.series("forward_s").values) >= 0.015


class Clock:
    """Stands for the process's clock and for a watch with our own time: both go on when told."""

    def __init__(self) -> None:
        self.now, self.own_s, self.iteration = 100.0, 7.0, 0
        self.put: Callable[[str, str, float], None]

    def __call__(self) -> float:
        return self.now

    def serve(self, probe: Any) -> None:
        """Takes a probe on, as a watch does."""

    def goes(self, seconds: float, *, ours: float = 0.0) -> None:
        self.now += seconds + ours
        self.own_s += ours


def test_what_is_summed_and_what_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(pace, "perf_counter", clock)
    monkeypatch.setattr(pace.resource, "getrusage", lambda who: SimpleNamespace(ru_maxrss=3))
    put: dict[str, float] = {}
    clock.put = lambda signal, place, value: put.update({signal: value})
    probe = Pace(clock)
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)

    probe.on_root_begin(None, (), {})  # of an iteration that is forgotten
    probe.iteration_begins()
    clock.goes(50.0)
    probe.on_root_end(None, None)
    probe.on_batch(None, None, 0.25)
    probe.on_batch(None, None, 0.5)
    for seconds in (1.0, 2.0):
        probe.on_root_begin(None, (), {})
        clock.goes(seconds, ours=4.0)
        probe.on_root_end(None, None)
        clock.goes(30.0)
    probe.on_backward_begin(None, kept=False)
    clock.goes(0.125)
    probe.on_backward_end(None)
    clock.goes(30.0)
    probe.on_step_begin(optimizer, False)
    clock.goes(0.5)
    probe.on_step_end(optimizer)
    peak = put.pop("memory_peak")
    assert put == {"data_wait_s": 0.75, "forward_s": 3.0, "backward_s": 0.125, "step_s": 0.5}
    assert peak == 3 * (1 if sys.platform == "darwin" else 1024)

    put.clear()
    clock.iteration, clock.own_s = 1, 0.0  # our own time is that of an iteration
    probe.iteration_begins()
    clock.goes(2.0)
    probe.on_step_begin(optimizer, True)  # with a closure
    probe.on_backward_begin(None, kept=False)
    clock.goes(0.25, ours=1.0)
    clock.own_s += 0.5  # more of ours than went by: by rounding
    probe.on_backward_end(None)
    clock.goes(9.0)
    probe.on_step_end(optimizer)
    assert put.keys() == {"backward_s", "elsewhere_s", "memory_peak"}
    assert put["backward_s"] == 0.0
    assert put["elsewhere_s"] == 2.0 + 9.0, "what neither part nor ours took"

    put.clear()
    clock.iteration = 3
    probe.iteration_begins()
    probe.on_batch(None, None, 0.125)
    probe.on_step_end(optimizer)
    assert "elsewhere_s" not in put, "the step before was not seen"
    assert put["data_wait_s"] == 0.125, "the wait of the batches before is spent"
    assert put.keys() == {"data_wait_s", "memory_peak"}


def test_parts_are_added_up_without_our_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Noting(own_s=0.0)
    now = [10.0]
    monkeypatch.setattr(pace, "perf_counter", lambda: now[0])
    probe = Pace(watch)
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], 0.1)

    def passes(seconds: float, own: float = 0.0) -> None:
        now[0] += seconds + own
        watch.own_s += own

    def found() -> dict[str, float]:
        watch.numbers.clear()
        probe.on_step_end(optimizer)
        return {name: value for (name, _), value in watch.numbers.items() if name != "memory_peak"}

    probe.iteration_begins()
    assert found() == {}, "no loader, and nothing was called"
    for _ in range(2):
        probe.on_root_begin(None, (), {})
        passes(1.0, own=0.5)
        probe.on_root_end(None, None)
    probe.on_backward_begin(None, False)
    passes(3.0)
    probe.on_backward_end(None)
    probe.on_step_begin(optimizer, False)
    passes(0.25)
    assert found() == pytest.approx({"forward_s": 2.0, "backward_s": 3.0, "step_s": 0.25})
    probe.on_batch(None, None, 0.5)
    probe.on_batch(None, None, 0.25)
    probe.iteration_begins()
    probe.on_step_begin(optimizer, True)
    assert found() == {"data_wait_s": 0.75}
    probe.on_root_end(None, None)
    assert found() == {}, "one that never began has no end, and a wait counts once"
