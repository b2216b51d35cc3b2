"""Gradients, weights and updates of one step against plain torch, told by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from assay.probes.gradient import gradients
from assay.probes.gradient.gradients import Gradients

from .noting import Noting

W = torch.tensor([[3.0, -4.0], [0.0, 1.0]])
G = torch.tensor([[0.0, -2.0], [1.0, 0.5]])
V = torch.tensor([1.0, 2.0, -2.0])
H = torch.tensor([0.0, 0.0, 5.0])


class Step:
    """One optimizer of two named weights, and a probe beside it."""

    def __init__(self) -> None:
        self.w, self.v = (torch.nn.Parameter(one.clone()) for one in (W, V))
        self.w.grad, self.v.grad = G.clone(), H.clone()
        self.optimizer: Any = torch.optim.SGD([self.w, self.v], lr=0.1)
        training = SimpleNamespace(index=0, step=0, optimizer=lambda: self.optimizer)
        self.watch: Any = Noting(trainings=[training], training=lambda optimizer: training)
        names = {id(self.w): "w", id(self.v): "v"}
        self.watch.names.parameter = lambda one: names.get(id(one))
        self.training = training
        self.probe = Gradients(self.watch)

    def of(self, signal: str) -> dict[str, float]:
        return {place: v for (name, place), v in self.watch.numbers.items() if name == signal}


def length(*parts: torch.Tensor) -> float:
    return float(torch.cat([part.double().flatten() for part in parts]).norm())


def test_gradients_and_weights() -> None:
    made = Step()
    made.probe.on_gradients_ready(made.optimizer)
    assert made.of("grad_norm") == pytest.approx({"w": length(G), "v": 5.0, "": length(G, H)})
    assert made.of("grad_max") == {"w": 2.0, "v": 5.0}
    assert made.of("grad_zero_share") == pytest.approx({"w": 1 / 4, "v": 2 / 3})
    assert made.of("grad_nonfinite_share") == {"w": 0.0, "v": 0.0}
    assert made.of("weight_norm") == pytest.approx({"w": length(W), "v": 3.0})
    assert made.of("weight_nonfinite_share") == {"w": 0.0, "v": 0.0}
    assert set(made.of("weight_fingerprint")) == {"w", "v", ""}
    assert made.of("stale_grad_norm") == {}
    made.training.step = 1
    made.watch.numbers.clear()
    made.probe.on_gradients_ready(made.optimizer)
    assert set(made.of("weight_fingerprint")) == {""}


def test_what_is_not_finite() -> None:
    made = Step()
    assert made.w.grad is not None
    made.w.grad[0, 0] = math.nan
    with torch.no_grad():
        made.v[1] = math.inf
    made.probe.on_gradients_ready(made.optimizer)
    assert made.of("grad_nonfinite_share") == {"w": 0.25, "v": 0.0}
    assert made.of("weight_nonfinite_share") == pytest.approx({"w": 0.0, "v": 1 / 3})


def test_what_a_step_moved() -> None:
    made = Step()
    made.probe.on_gradients_ready(made.optimizer)
    made.optimizer.step()
    made.probe.on_step_end(made.optimizer)
    moved = {"w": 0.1 * length(G), "v": 0.1 * length(H)}
    assert made.of("update_norm") == pytest.approx(moved, rel=1e-5)
    assert made.of("weight_changed_share") == pytest.approx({"w": 3 / 4, "v": 1 / 3, "": 4 / 7})
    made.watch.numbers.clear()
    made.probe.on_step_end(made.optimizer)
    assert made.watch.numbers == {}, "of one step once"


@pytest.mark.parametrize("how", ["on_step_skipped", "iteration_begins"])
def test_a_step_that_was_skipped_moved_nothing(how: str) -> None:
    made = Step()
    made.probe.on_backward_begin(None, False)
    made.probe.on_gradients_ready(made.optimizer)
    getattr(made.probe, how)(*([made.optimizer] if how == "on_step_skipped" else []))
    made.watch.numbers.clear()
    made.probe.on_step_end(made.optimizer)
    assert made.watch.numbers == {}
    made.probe.on_gradients_ready(made.optimizer)
    assert bool(made.of("stale_grad_norm")) is (how == "on_step_skipped")


def test_the_least_that_was_left_from_before() -> None:
    made = Step()
    for scale in (2.0, 1.0, 3.0):
        made.w.grad, made.v.grad = G * scale, None
        made.probe.on_backward_begin(None, False)
    made.probe.on_gradients_ready(made.optimizer)
    assert made.of("stale_grad_norm") == pytest.approx({"": length(G)})
    assert set(made.of("grad_norm")) == {"w", ""}, "only what has a gradient"
    gone = SimpleNamespace(index=1, optimizer=lambda: None)
    made.watch.trainings.insert(0, gone)
    made.probe.iteration_begins()
    made.probe.on_backward_begin(None, False)
    made.watch.numbers.clear()
    made.probe.on_gradients_ready(made.optimizer)
    assert made.of("stale_grad_norm") == pytest.approx({"": 3 * length(G)})


def test_no_gradient_and_no_element() -> None:
    made = Step()
    made.w.grad = None
    made.optimizer.param_groups[0]["params"].append(torch.nn.Parameter(torch.ones(0)))
    made.v.grad = None
    made.optimizer.param_groups[0]["params"][-1].grad = torch.ones(0)
    made.probe.on_gradients_ready(made.optimizer)
    assert made.watch.numbers == {}


def test_a_scale_that_the_optimizer_itself_divides_by() -> None:
    made = Step()
    made.optimizer.grad_scale = torch.tensor(4.0)
    made.probe.on_gradients_ready(made.optimizer)
    assert made.of("grad_norm") == pytest.approx(
        {"w": length(G) / 4, "v": 5 / 4, "": length(G, H) / 4}
    )


@pytest.mark.parametrize("room", [27, 28])
def test_weights_that_are_too_large_to_copy(monkeypatch: Any, room: int) -> None:
    monkeypatch.setattr(gradients, "COPY_BYTES_AT_MOST", room)
    made = Step()
    made.probe.on_gradients_ready(made.optimizer)
    made.probe.on_step_end(made.optimizer)
    assert bool(made.of("update_norm")) is (room == 28), "seven numbers of four bytes"
    assert ("update_norm" in made.watch.why) is (room == 27)
