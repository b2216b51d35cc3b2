"""clip-norm, clip-value, clip-adaptive and clip-percentile against loops by hand."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from suite import (
    STEPPING,
    WORKLOADS,
    Hand,
    Record,
    World,
    assert_same,
    by_hand,
    differs,
    in_script,
    parameters_of,
    plain,
    read,
    train,
    treated,
)
from torch import nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_


class ByNorm(Hand):
    def gradients(self, optimizer: Any) -> None:
        clip_grad_norm_(parameters_of(optimizer), 0.1)


class ByValue(Hand):
    def gradients(self, optimizer: Any) -> None:
        clip_grad_value_(parameters_of(optimizer), 0.01)


def unitwise_norm(x: torch.Tensor) -> torch.Tensor:
    """The norm of timm's utils/agc.py."""
    if x.ndim <= 1:
        return x.norm(2.0)
    return x.norm(2.0, dim=tuple(range(1, x.ndim)), keepdim=True)


class ByUnit(Hand):
    """Adaptive clipping as in timm's utils/agc.py."""

    last: Any = ()

    def built(self, world: World) -> None:
        model: Any = world.model
        self.last = [
            id(p) for p in (model.out if hasattr(model, "out") else model.head).parameters()
        ]

    def gradients(self, optimizer: Any) -> None:
        for p in parameters_of(optimizer):
            if p.grad is None or id(p) in self.last:
                continue
            largest = unitwise_norm(p.detach()).clamp_(min=1e-3).mul_(0.01)
            norm = unitwise_norm(p.grad)
            clipped = p.grad * (largest / norm.clamp(min=1e-6))
            p.grad.copy_(torch.where(norm < largest, p.grad, clipped))


class ByUnitEverywhere(ByUnit):
    def built(self, world: World) -> None:
        """The last layer is clipped too."""


class ByPercentile(Hand):
    """AutoClip; every optimizer has its own history."""

    def __init__(self, percentile: float, window: int) -> None:
        self.percentile, self.window = percentile, window
        self.norms: dict[Any, list[torch.Tensor]] = {}

    def gradients(self, optimizer: Any) -> None:
        held = [p for p in parameters_of(optimizer) if p.grad is not None]
        norm = nn.utils.get_total_norm([p.grad for p in held])
        history = self.norms.setdefault(optimizer, [])
        history.append(norm)
        del history[: -self.window]
        limit = torch.quantile(torch.stack(history), self.percentile / 100).item()
        clip_grad_norm_(held, limit)


WAYS: dict[str, Any] = {
    "clip-norm=0.1": ByNorm,
    "clip-value=0.01": ByValue,
    "clip-adaptive=0.01": ByUnit,
    "clip-adaptive=0.01,last=yes": ByUnitEverywhere,
    "clip-percentile=10": lambda: ByPercentile(10, 1000),
    "clip-percentile=30,window=3": lambda: ByPercentile(30, 3),
}


@cache
def wished(workload: str, trick: str | None) -> Record:
    return by_hand(workload, WAYS[trick]() if trick else None)


# LBFGS takes several gradients a step, of which the tricks see the first: no clipping is defined.
@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", STEPPING)
@pytest.mark.parametrize("trick", WAYS)
def test_equals_the_loop_by_hand(trick: str, workload: str, attached: bool) -> None:
    expected = wished(workload, trick)
    assert_same(expected, treated(workload, trick, attached=attached))
    assert differs(expected, wished(workload, None))


def test_each_acts_on_what_the_one_before_it_left() -> None:
    class All(ByUnit):
        def gradients(self, optimizer: Any) -> None:
            super().gradients(optimizer)
            clip_grad_norm_(parameters_of(optimizer), 0.02)
            clip_grad_value_(parameters_of(optimizer), 0.002)

    tricks = "clip-value=0.002", "clip-norm=0.02", "clip-adaptive=0.01"
    expected = by_hand("plain", All())
    assert_same(expected, treated("plain", *tricks))
    for i in range(3):
        assert differs(expected, treated("plain", *tricks[:i], *tricks[i + 1 :]))


# -- a fused optimizer unscales inside its own step ------------------------------------------------


@pytest.mark.parametrize("trick", WAYS)
def test_a_fused_optimizer_under_a_scaler(trick: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class ByHand(WORKLOADS["fused"]):  # type: ignore[misc]
        step = WORKLOADS["scaled"].step  # with `unscale_`, as torch asks for where one clips

    monkeypatch.setitem(WORKLOADS, "by hand", ByHand)
    expected = by_hand("by hand", WAYS[trick]())
    # what is added to a norm against division by 0 is not scaled with it
    assert_same(expected, treated("fused", trick), tolerance=1e-6)
    assert differs(expected, plain("fused"))


# -- odd gradients -------------------------------------------------------------------------------


def one_step(trick: str, sparse: bool) -> dict[str, Any]:
    """Gradients after a step of a model where one layer has none and one may have sparse ones."""
    torch.manual_seed(0)
    with in_script(trick):
        model = nn.ModuleDict({"words": nn.Embedding(5, 3, sparse=sparse), "idle": nn.Linear(3, 3),
                               "out": nn.Linear(3, 2)})  # fmt: skip
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        model["out"](model["words"](torch.tensor([1, 1, 2]))).square().sum().backward()
        optimizer.step()
    return {name: p.grad for name, p in model.named_parameters()}


@pytest.mark.parametrize("trick", WAYS)
def test_parameters_without_a_gradient_are_passed_over(trick: str) -> None:
    gradients = one_step(trick, sparse=False)
    assert gradients["idle.weight"] is None
    assert gradients["words.weight"] is not None


def test_sparse_gradients_cannot_be_clipped_as_torch_says() -> None:
    with pytest.raises(NotImplementedError, match="SparseCPU"):
        one_step("clip-norm=0.1", sparse=True)
    with pytest.raises(NotImplementedError, match="SparseCPU"):
        one_step("clip-value=0.1", sparse=True)


def stepped(trick: str, weight: list[Any], gradient: list[Any], **kind: Any) -> torch.Tensor:
    """A gradient as the trick leaves it."""
    with in_script(trick):
        p = nn.Parameter(torch.tensor(weight, **kind))
        p.grad = torch.tensor(gradient, **kind)
        torch.optim.SGD([p], lr=0.0).step()
    return p.grad


def test_clipping_does_not_cure_a_nan() -> None:
    nan, inf = float("nan"), float("inf")
    assert stepped("clip-norm=1", [1.0, 1.0], [nan, 1.0]).isnan().all()  # it spreads
    spread = stepped("clip-norm=1", [1.0, 1.0], [inf, 1.0])
    assert spread[0].isnan()
    assert spread[1] == 0
    assert stepped("clip-value=1", [1.0, 1.0], [nan, 3.0])[0].isnan()  # it passes through
    assert stepped("clip-percentile=0", [1.0, 1.0], [inf, 3.0]).tolist() == [inf, 3.0]


def test_a_gradient_below_the_limit_is_untouched() -> None:
    for trick in ("clip-norm=5.1", "clip-value=4", "clip-adaptive=5,last=yes"):
        assert stepped(trick, [1.0, 1.0], [3.0, 4.0]).tolist() == [3.0, 4.0]


def test_adaptive_has_a_floor_under_the_weights() -> None:
    weight, gradient = [[0.0, 0.0], [3.0, 4.0]], [[3.0, 4.0], [3.0, 4.0]]
    clipped = stepped("clip-adaptive=0.1", weight, gradient)
    torch.testing.assert_close(clipped.norm(dim=1), torch.tensor([0.1 * 1e-3, 0.1 * 5]))


# -- percentile ------------------------------------------------------------------------------------


def test_percentile_is_that_of_autoclip() -> None:
    """The authors' autoclip.py: np.percentile of all norms so far, then clip_grad_norm_."""
    norms = torch.rand(20, generator=torch.Generator().manual_seed(0)).tolist()
    with in_script("clip-percentile=10"):
        p = nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.SGD([p], lr=0.0)
        for t, norm in enumerate(norms):
            p.grad = torch.tensor([norm])
            optimizer.step()
            limit = np.percentile(norms[: t + 1], 10)
            assert p.grad.item() == pytest.approx(min(norm, limit), rel=1e-5)


def test_a_norm_that_is_not_finite_is_not_remembered() -> None:
    trick = read("clip-percentile=50,window=2")
    with in_script(trick):
        p = nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.SGD([p], lr=0.0)
        for norm in (1.0, 2.0, float("inf"), float("nan"), 3.0):
            p.grad = torch.tensor([norm])
            optimizer.step()
    assert trick.state_dict() == {"history": [[2.0, 3.0]]}


@pytest.mark.parametrize("workload", ["plain", "two-optimizers"])
def test_a_history_goes_on_after_a_restart(workload: str) -> None:
    trick = "clip-percentile=10,window=4"
    expected = by_hand(workload, ByPercentile(10, 4), steps=9)
    with in_script(trick) as handle:
        world = WORKLOADS[workload](Hand())
        train(world, range(6))
        kept, history = world.state(), handle.state_dict()
    with in_script(trick) as handle:
        world = WORKLOADS[workload](Hand())
        world.load(kept)
        handle.load_state_dict(history)
        assert train(world, range(6, 9)) == expected.losses[6:]
