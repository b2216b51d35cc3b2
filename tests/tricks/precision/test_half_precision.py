"""amp against autocast regions and GradScalers written by hand."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from half import InHalf
from suite import (
    STEPPING,
    WORKLOADS,
    Hand,
    Record,
    TrickError,
    assert_same,
    by_hand,
    differs,
    in_script,
    parameters_of,
    plain,
    read,
    record_of,
    train,
    treated,
)
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

ATTACHED = pytest.mark.parametrize("attached", [False, True])


@ATTACHED
@pytest.mark.parametrize("workload", WORKLOADS)
def test_bf16_equals_a_region_by_hand(workload: str, attached: bool) -> None:
    expected = by_hand(workload, InHalf())
    assert_same(expected, treated(workload, "amp=bf16", attached=attached))
    assert differs(expected, plain(workload))


def test_weights_and_gradients_stay_float32() -> None:
    with in_script("amp"):
        world = WORKLOADS["plain"](Hand())
        assert world.model(world.x).dtype == torch.bfloat16
        train(world, range(2))
    held = parameters_of(world.optimizers[0])
    assert {t.dtype for p in held for t in (p, p.grad) if t is not None} == {torch.float32}
    assert world.model(world.x).dtype == torch.float32


# -- fp16 and its scaler ----------------------------------------------------------------------

# a closure can't be scaled, as torch says; `scaled` has a GradScaler of its own
SCALABLE = [name for name in STEPPING if name not in ("closure", "scaled")]
HIGH = 2.0**21
"""A first scale with which the gradients of the first batches overflow."""


def clipped(optimizer: Any) -> None:
    clip_grad_norm_((p for p in parameters_of(optimizer)), 0.5)
    clip_grad_value_(parameters_of(optimizer), 0.05)
    clip_grad_norm_(parameters_of(optimizer)[0], 0.1)


class Clipped(Hand):
    def gradients(self, optimizer: Any) -> None:
        clipped(optimizer)


def scaled_by_hand(workload: str, scale: float, *, clip: bool = False) -> Record:
    """The loop of torch's documentation."""
    world = WORKLOADS[workload](InHalf(torch.float16))
    scaler = torch.amp.GradScaler("cpu", init_scale=scale)

    def step(t: int) -> float:
        parts = [2 * t, 2 * t + 1] if workload == "accumulated" else [t]
        losses = []
        for optimizer in world.optimizers:
            optimizer.zero_grad()
        for part in parts:
            losses.append(world.loss_of(part) / len(parts))
            scaler.scale(losses[-1]).backward()
        for optimizer in world.optimizers:
            if clip:
                scaler.unscale_(optimizer)
                clipped(optimizer)
            scaler.step(optimizer)
        scaler.update()
        if world.scheduler is not None:
            world.scheduler.step()
        return sum(loss.item() for loss in losses)

    return record_of(world, [step(t) for t in range(6)])


@ATTACHED
@pytest.mark.parametrize("scale", [65536.0, HIGH])
@pytest.mark.parametrize("workload", SCALABLE)
# a scheduler warns of the step that is left out, in the loop by hand as well
@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")
def test_fp16_equals_the_scaler_by_hand(workload: str, scale: float, attached: bool) -> None:
    expected = scaled_by_hand(workload, scale)
    assert_same(expected, treated(workload, f"amp=fp16,scale={scale}", attached=attached))
    assert differs(expected, plain(workload))
    if scale == HIGH and workload in ("plain", "adamw", "two-optimizers"):
        assert differs(expected, scaled_by_hand(workload, 65536.0))  # steps were left out


@pytest.mark.parametrize("workload", ["plain", "accumulated", "two-optimizers"])
def test_gradients_are_unscaled_before_the_script_clips_them(workload: str) -> None:
    expected = scaled_by_hand(workload, HIGH, clip=True)
    with in_script(f"amp=fp16,scale={HIGH}"):
        world = WORKLOADS[workload](Clipped())
        assert_same(expected, record_of(world, train(world, range(6))))
    assert differs(expected, scaled_by_hand(workload, HIGH))


def test_other_tricks_see_unscaled_gradients() -> None:
    class Held(InHalf):
        def gradients(self, optimizer: Any) -> None:
            clip_grad_norm_(parameters_of(optimizer), 0.1)

    expected = by_hand("plain", Held(torch.float16))  # fp16 rounds small gradients otherwise
    found = treated("plain", "amp=fp16", "clip-norm=0.1")
    assert_same(expected, found, tolerance=2e-4)
    with pytest.raises(AssertionError):
        assert_same(treated("plain", "amp=fp16"), found, tolerance=2e-4)


def adversaries(scaler: Any, half: Any) -> list[list[torch.Tensor]]:
    """Two networks, each with its own backward pass and step; without a scaler none is used."""
    torch.manual_seed(0)
    maker, judge = nn.Linear(4, 8), nn.Linear(8, 1)
    optimizers = [torch.optim.SGD(m.parameters(), lr=0.1) for m in (maker, judge)]
    seen = []
    for t in range(10):
        x = torch.ones(4, 4) * 2.0 ** (16 - 2 * (t % 3))
        for sign, optimizer in zip((1, -1), optimizers, strict=True):
            for one in optimizers:
                one.zero_grad(set_to_none=t % 2 == 0)
            with half():
                loss = sign * F.l1_loss(judge(maker(x)), torch.zeros(4, 1)) * 2.0**-16
            if scaler is None:
                loss.backward()
                optimizer.step()
            else:
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
        seen.append([p.detach().clone() for p in (*maker.parameters(), *judge.parameters())])
    return seen


def test_each_optimizer_is_unscaled_for_its_own_step() -> None:
    def half() -> Any:
        return torch.autocast("cpu", dtype=torch.float16)

    expected = adversaries(torch.amp.GradScaler("cpu"), half)
    with in_script("amp=fp16"):
        found = adversaries(None, nullcontext)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert not torch.equal(expected[0][0], expected[-1][0])


def given_up(way: str) -> tuple[list[float], float]:
    """A script that steps only when its own norm is finite, and the scale at its end."""
    trick = read(f"amp=fp16,scale={2.0**40}")
    norms = []
    with in_script(trick):
        world = WORKLOADS["plain"](Hand())
        optimizer = world.optimizers[0]
        for t in range(30):
            world.loss_of(t).backward()
            norms.append(clip_grad_norm_(world.model.parameters(), 1e9).item())
            if norms[-1] < 1e9:
                optimizer.step()
            if way == "none":
                optimizer.zero_grad()
            elif way == "zeros":
                world.model.zero_grad(set_to_none=False)
            else:
                for p in world.model.parameters():
                    p.grad = None
        return norms, trick.state_dict()["scale"]


@pytest.mark.parametrize("way", ["none", "zeros", "by hand"])
def test_a_step_that_the_script_leaves_out_itself_lowers_the_scale(way: str) -> None:
    norms, scale = given_up(way)
    overflowed = [not norm < 1e9 for norm in norms]
    count = sum(overflowed)
    assert 10 < count < 28
    assert overflowed == [True] * count + [False] * (30 - count)
    assert scale == 2.0 ** (40 - count)
    assert max(norms[count:]) < 100


def test_several_roots_of_one_backward_pass_are_scaled() -> None:
    def gradient(*tricks: str) -> torch.Tensor:
        with in_script(*tricks):
            weight = nn.Parameter(torch.ones(4))
            optimizer = torch.optim.SGD([weight], lr=1.0)
            torch.autograd.backward([weight.sum(), (2 * weight).sum()])
            optimizer.step()
        return weight.detach()

    assert torch.equal(gradient("amp=fp16"), gradient())


@pytest.mark.parametrize("workload", ["closure", "lbfgs"])
def test_closures_are_refused_as_a_scaler_does(workload: str) -> None:
    with pytest.raises(TrickError, match="trick amp: fp16 takes no closure"):
        treated(workload, "amp=fp16")


def test_the_scale_is_saved() -> None:
    text = f"amp=fp16,scale={HIGH}"
    with in_script(text) as handle:
        world = WORKLOADS["adamw"](Hand())
        train(world, range(1))
        kept, trick = world.state(), copy.deepcopy(handle.state_dict())
        expected = record_of(world, train(world, range(1, 6)))
    assert trick["amp"]["scale"] == HIGH / 2
    with in_script(text) as handle:
        world = WORKLOADS["adamw"](Hand())
        world.load(kept)
        handle.load_state_dict(trick)
        assert_same(expected, record_of(world, train(world, range(1, 6))))
