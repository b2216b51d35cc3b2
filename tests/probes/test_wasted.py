"""Passes whose gradients are cleared before the next, and those for something else."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from assay.probes.gradient.wasted import Wasted
from assay.probes.model.structure import Structure


class Loop:
    """Four passes before each step; what is between them is what is tested."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = nn.Linear(3, 1)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)

    def loss(self, x: Tensor | None = None) -> Tensor:
        return self.model(torch.randn(5, 3) if x is None else x).square().mean()

    def step(self, parts: int = 4) -> None:
        for _ in range(parts):
            self.clear()
            self.loss().backward()
        self.optimizer.step()

    def clear(self) -> None:
        self.optimizer.zero_grad()


class ByModule(Loop):
    def clear(self) -> None:
        self.model.zero_grad(set_to_none=False)


class ByHand(Loop):
    def clear(self) -> None:
        for p in self.model.parameters():
            p.grad = None


class Clipped(Loop):
    def step(self, parts: int = 4) -> None:
        for _ in range(parts):
            self.clear()
            self.loss().backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 0.01)
        self.optimizer.step()


class OncePerStep(Loop):
    def step(self, parts: int = 4) -> None:
        self.clear()
        for _ in range(parts):
            self.loss().backward()
        self.optimizer.step()


class Adversarial(Loop):
    def step(self, parts: int = 4) -> None:
        x = torch.randn(5, 3, requires_grad=True)
        self.loss(x).backward()
        self.clear()
        self.loss(x.detach() + 0.1 * x.grad.sign()).backward()  # type: ignore[union-attr]
        self.optimizer.step()


class SharpnessAware(Loop):
    def step(self, parts: int = 4) -> None:
        x = torch.randn(5, 3)
        self.clear()
        self.loss(x).backward()
        with torch.no_grad():
            moves = [0.1 * p.grad for p in self.model.parameters()]  # type: ignore[operator]
            for p, move in zip(self.model.parameters(), moves, strict=True):
                p.add_(move)
        self.clear()
        self.loss(x).backward()
        with torch.no_grad():
            for p, move in zip(self.model.parameters(), moves, strict=True):
                p.sub_(move)
        self.optimizer.step()


class Surgery(Loop):
    def step(self, parts: int = 4) -> None:
        found: list[list[Tensor]] = []
        for _ in range(parts):
            self.clear()
            self.loss().backward()
            found.append([p.grad.clone() for p in self.model.parameters()])  # type: ignore[union-attr]
        for p, *grads in zip(self.model.parameters(), *found, strict=True):
            p.grad = torch.stack(grads).median(0).values
        self.optimizer.step()


class Overflowed(Loop):
    """Steps on one of four batches: the gradients of the others are not finite."""

    def step(self, parts: int = 4) -> None:
        for part in range(parts):
            self.clear()
            loss = self.loss()
            (loss if part == parts - 1 else loss * float("nan")).backward()
        self.optimizer.step()


class Kept(Loop):
    def step(self, parts: int = 4) -> None:
        loss = self.loss()
        self.clear()
        loss.backward(retain_graph=True)
        self.clear()
        loss.backward()
        self.optimizer.step()


@pytest.mark.parametrize("kind", [Loop, ByModule, ByHand, Clipped])
def test_three_of_four_passes_are_for_nothing(watched: Any, kind: type[Loop]) -> None:
    loop = kind()
    with watched(Structure, Wasted) as seen:
        for _ in range(4):
            loop.step()
    assert not seen.view.errors
    (training,) = seen.view.trainings
    assert list(training.series("passes_wasted").values)[1:] == [0.75] * 3
    (event,) = seen.view.events("pass_wasted")
    assert (event.data["by"] is None) == (kind is ByHand)
    if kind in (Loop, Clipped):
        assert event.data["by"][1] == Loop.clear.__code__.co_firstlineno + 1


@pytest.mark.parametrize(
    "kind", [OncePerStep, Adversarial, SharpnessAware, Surgery, Overflowed, Kept]
)
def test_passes_for_something_else(watched: Any, kind: type[Loop]) -> None:
    loop = kind()
    with watched(Structure, Wasted) as seen:
        for _ in range(4):
            loop.step()
    assert not seen.view.errors
    assert {*seen.view.trainings[0].series("passes_wasted").values} <= {0.0}


def test_two_players_use_their_own(watched: Any) -> None:
    loops = Loop(), Loop()
    with watched(Structure, Wasted) as seen:
        for _ in range(4):
            for one, other in (loops, loops[::-1]):
                one.clear()
                one.loss(other.model(torch.randn(5, 3)).expand(5, 3)).backward()
                one.optimizer.step()
    for training in seen.view.trainings:
        assert set(training.series("passes_wasted").values) == {0.0}
