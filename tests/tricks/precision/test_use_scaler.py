"""use-scaler: a script that steps or clips past its scaler against the script put right."""

from __future__ import annotations

import pytest
import torch
from suite import (
    Record,
    TrickError,
    World,
    assert_same,
    by_hand,
    differs,
    in_script,
    parameters_of,
    record_of,
    train,
)
from torch import nn
from workloads import Hand, Plain, TwoOptimizers

STEPS = 8


class Scaled(Plain):
    """A loop with a GradScaler, right or wrong in one way; the scale follows what steps find."""

    overflows = 3

    def __init__(self, way: str = "right", clip: str = "") -> None:
        self.way, self.clip = way, clip
        self.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=2)
        super().__init__(Hand())

    def step(self, t: int) -> float:
        scaler = self.scaler
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss = self.loss_of(t)
        scaler.scale(loss * float("inf") if t == self.overflows else loss).backward()
        for optimizer in self.optimizers:
            if self.clip == "right":
                scaler.unscale_(optimizer)
            if self.clip:
                nn.utils.clip_grad_norm_(parameters_of(optimizer), 0.05)
            if self.clip == "before unscale_":
                scaler.unscale_(optimizer)
            if self.way == "past":
                optimizer.step()
            else:
                scaler.step(optimizer)
        if self.way == "right":
            scaler.update()
        return loss.item()


class Two(Scaled, TwoOptimizers):
    """One loss, one scaler, two optimizers."""


def trained(kind: type[Scaled], way: str, clip: str, *tricks: str) -> Record:
    with in_script(*tricks):
        world = kind(way, clip)
        return record_of(world, train(world, range(STEPS)))


@pytest.mark.parametrize("kind", [Scaled, Two])
@pytest.mark.parametrize("clip", ["", "wrong"])
def test_a_step_past_the_scaler_goes_through_it(kind: type[Scaled], clip: str) -> None:
    expected = trained(kind, "right", clip and "right")
    assert_same(expected, trained(kind, "past", clip, "use-scaler"))
    assert differs(expected, trained(kind, "past", clip))


@pytest.mark.parametrize("clip", ["wrong", "before unscale_"])
def test_gradients_are_unscaled_before_they_are_clipped(clip: str) -> None:
    expected = trained(Scaled, "right", "right")
    assert_same(expected, trained(Scaled, "right", clip, "use-scaler"))
    assert differs(expected, trained(Scaled, "right", clip))


@pytest.mark.parametrize("clip", ["", "right"])
def test_what_is_right_is_left_alone(clip: str) -> None:
    expected = trained(Two, "right", clip)
    assert_same(expected, trained(Two, "right", clip, "use-scaler"))


class Accumulating(Scaled):
    """Two scaled losses for each step."""

    def step(self, t: int) -> float:
        (optimizer,), scaler = self.optimizers, self.scaler
        optimizer.zero_grad()
        for part in (2 * t, 2 * t + 1):
            loss = self.loss_of(part) / 2
            (scaler.scale(loss) + 0.0).backward()
        if self.way == "past":
            optimizer.step()
        else:
            scaler.step(optimizer)
            scaler.update()
        return loss.item()


def test_gradients_of_several_batches_are_unscaled_once() -> None:
    expected = trained(Accumulating, "right", "")
    assert_same(expected, trained(Accumulating, "past", "", "use-scaler"))
    assert differs(expected, trained(Accumulating, "past", ""))


def test_clipping_by_a_trick_sees_unscaled_gradients() -> None:
    found = trained(Scaled, "past", "", "use-scaler", "clip-norm=0.05")
    assert_same(trained(Scaled, "right", "right"), found)


class Mixed(Scaled):
    """Another loss, which nobody scales."""

    def step(self, t: int) -> float:
        if self.way == "plain first":
            self.loss_of(t).backward()
        found = super().step(t)
        self.loss_of(t).backward()
        return found


class Several(Scaled):
    """A scaler for each step."""

    def step(self, t: int) -> float:
        self.scaler = torch.amp.GradScaler("cpu")
        return super().step(t)


@pytest.mark.parametrize(
    ("kind", "way", "why"),
    [
        (Mixed, "right", "not every backward pass is of a loss that was scaled"),
        (Mixed, "plain first", "not every backward pass is of a loss that was scaled"),
        (Several, "right", "the script has several GradScalers"),
    ],
)
def test_what_does_not_fit_is_refused(kind: type[Scaled], way: str, why: str) -> None:
    with pytest.raises(TrickError, match=why):
        trained(kind, way, "", "use-scaler")


def test_without_a_scaler_it_does_nothing() -> None:
    with in_script("use-scaler"):
        world: World = Plain(Hand())
        found = record_of(world, train(world, range(STEPS)))
    assert_same(by_hand("plain", steps=STEPS), found)
