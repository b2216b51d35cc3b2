"""ema and swa against loops by hand and torch's own AveragedModel."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from suite import (
    WORKLOADS,
    Hand,
    Record,
    World,
    assert_same,
    by_hand,
    in_script,
    parameters_of,
    record_of,
    train,
    treated,
)
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

STEPS = 6


class Averaging(Hand):
    """Keeps averages in float32 and evaluates them."""

    averages: dict[torch.Tensor, torch.Tensor]

    def built(self, world: World) -> None:
        self.averages = {p: p.detach().float().clone() for p in world.model.parameters()}
        self.first, self.steps = world.optimizers[0], 0

    def stepped(self, optimizer: Any) -> None:
        self.steps += optimizer is self.first
        with torch.no_grad():
            self.update(parameters_of(optimizer))

    def update(self, weights: list[torch.Tensor]) -> None:
        raise NotImplementedError

    def evaluating(self, world: World) -> Any:
        trained = {p: p.detach().clone() for p in self.averages}
        self.put(self.averages)
        return lambda: self.put(trained)

    @torch.no_grad()
    def put(self, values: dict[torch.Tensor, torch.Tensor]) -> None:
        for p, value in values.items():
            p.copy_(value)


class ByEma(Averaging):
    def __init__(self, decay: float, *, warm: bool) -> None:
        self.decay, self.warm = decay, warm

    def update(self, weights: list[torch.Tensor]) -> None:
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps)) if self.warm else self.decay
        for p in weights:
            self.averages[p].lerp_(p.float(), 1 - decay)


class BySwa(Averaging):
    def __init__(self, start: int, every: int = 1) -> None:
        self.start, self.every = start, every

    def update(self, weights: list[torch.Tensor]) -> None:
        late = self.steps - self.start - 1
        if late < 0:  # until then the weights themselves are evaluated
            self.averages.update({p: p.detach().clone() for p in weights})
        elif late % self.every == 0:
            for p in weights:
                self.averages[p].lerp_(p, 1 / (late // self.every + 1))


WAYS: dict[str, Callable[[], Averaging]] = {
    "ema": lambda: ByEma(0.999, warm=True),
    "ema=0.15": lambda: ByEma(0.15, warm=True),
    "ema=0.7,warmup=no": lambda: ByEma(0.7, warm=False),
    "swa=0": lambda: BySwa(0),
    "swa=2,every=2": lambda: BySwa(2, 2),
}


@cache
def wished(workload: str, trick: str | None) -> Record:
    return by_hand(workload, WAYS[trick]() if trick else None)


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("trick", WAYS)
def test_equals_the_loop_by_hand(trick: str, workload: str, attached: bool) -> None:
    without, expected = wished(workload, None), wished(workload, trick)
    got = treated(workload, trick, attached=attached)
    assert_same(expected, got)
    assert expected.evaluated != without.evaluated
    got.evaluated = without.evaluated
    assert_same(without, got)  # the training itself is untouched


def often(world: World) -> Record:
    """A training that is evaluated before each step."""
    losses = []
    for t in range(STEPS):
        losses += [world.evaluate(), world.step(t)]
    return record_of(world, losses)


@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("trick", WAYS)
def test_trained_weights_come_back_after_each_evaluation(trick: str, workload: str) -> None:
    expected = often(WORKLOADS[workload](WAYS[trick]()))
    with in_script(trick):
        world = WORKLOADS[workload](Hand())
        got = often(world)
    assert_same(expected, got)
    assert often(WORKLOADS[workload](Hand())).losses[1::2] == got.losses[1::2]


TORCH: dict[str, Callable[[nn.Module], AveragedModel]] = {
    "ema=0.7,warmup=no": lambda m: AveragedModel(m, multi_avg_fn=get_ema_multi_avg_fn(0.7)),
    "swa=0": AveragedModel,
}


@pytest.mark.parametrize("workload", ["adamw", "kitchen", "compiled"])
@pytest.mark.parametrize("trick", TORCH)
def test_equals_torch_s_averaged_model(trick: str, workload: str) -> None:
    class ByTorch(Hand):
        def built(self, world: World) -> None:
            self.world = world
            self.averaged = TORCH[trick](world.model)
            if trick.startswith("ema"):  # ours begins before the first step, torch's after it
                self.averaged.update_parameters(world.model)

        def stepped(self, optimizer: Any) -> None:
            self.averaged.update_parameters(self.world.model)

    hand = ByTorch()
    by_hand(workload, hand)
    with in_script(trick):
        world = WORKLOADS[workload](Hand())
        train(world, range(STEPS))
        saved = world.model.state_dict()
    expected = hand.averaged.module.state_dict()
    assert saved.keys() == expected.keys()
    for name, value in expected.items():  # torch rounds its 1 / (n + 1) once more
        tolerance = 0.0 if trick.startswith("ema") else 1e-6
        torch.testing.assert_close(saved[name], value, rtol=tolerance, atol=tolerance / 10)


@pytest.mark.parametrize("trick", WAYS)
def test_a_saved_state_holds_averages_and_the_models_own_buffers(trick: str) -> None:
    hand = WAYS[trick]()
    expected = WORKLOADS["kitchen"](hand)
    train(expected, range(STEPS))
    with in_script(trick):
        world = WORKLOADS["kitchen"](Hand())
        train(world, range(STEPS))
        trained = {name: p.detach().clone() for name, p in world.model.named_parameters()}
        saved = world.model.state_dict()
        for name, p in world.model.named_parameters():
            assert torch.equal(p, trained[name])
    for name, p in expected.model.named_parameters():
        assert torch.equal(saved[name], hand.averages[p])
    for name, buffer in expected.model.named_buffers():
        assert torch.equal(saved[name], buffer)
    assert saved["blocks.0.bn1.num_batches_tracked"] == STEPS


def test_weights_in_bfloat16_are_averaged_in_float32() -> None:
    """In bfloat16 each change would be below the precision: the average would never move."""
    with in_script("ema=0.999,warmup=no") as handle:
        model = nn.Linear(1, 1, bias=False, dtype=torch.bfloat16)
        nn.init.ones_(model.weight)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        model.weight.grad = torch.full_like(model.weight, -1.0)
        optimizer.step()
        model.weight.grad.zero_()
        for _ in range(2000):
            optimizer.step()
        [[average]] = handle.state_dict()["ema"]["averages"]
        assert average.dtype == torch.float32
        assert average.item() == pytest.approx(1.5 - 0.5 * 0.999**2001, rel=1e-4)
        assert model.state_dict()["weight"].dtype == torch.bfloat16
        assert model.state_dict()["weight"].item() == pytest.approx(average.item(), rel=4e-3)


class Fused(WORKLOADS["scaled"]):  # type: ignore[misc]
    """The optimizer itself leaves out the step that overflows."""

    def make_optimizers(self) -> list[Any]:
        return [self.hand.optimizer(torch.optim.SGD, self.model.parameters(), lr=0.1, fused=True)]


@pytest.mark.parametrize("trick", WAYS)
def test_a_step_that_a_scaler_leaves_out_does_not_count(
    trick: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(WORKLOADS, "fused", Fused)
    assert_same(by_hand("fused", WAYS[trick]()), treated("fused", trick))
