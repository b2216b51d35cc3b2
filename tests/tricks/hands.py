"""Tricks written by hand for the workload `kitchen`, and how two of them stand in one loop.

Each entry of `HANDS` does what the trick's example in `suite.example` does. `Together` is what a
person writes who uses several: all changes of the model, then of the optimizer, and at each step
all that is done to the batch, the loss and the gradients, in the order in which tricks act.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from suite import Hand, World, parameters_of
from torch import nn
from torch.nn import functional as F


class ByNorm(Hand):
    def gradients(self, optimizer: Any) -> None:
        nn.utils.clip_grad_norm_(parameters_of(optimizer), 0.1)


class ByValue(Hand):
    def gradients(self, optimizer: Any) -> None:
        nn.utils.clip_grad_value_(parameters_of(optimizer), 0.01)


class Centralised(Hand):
    def gradients(self, optimizer: Any) -> None:
        for p in parameters_of(optimizer):
            if p.grad is not None and p.grad.dim() > 1:
                p.grad.sub_(p.grad.mean(dim=tuple(range(1, p.grad.dim())), keepdim=True))


class With(Hand):
    """The optimizer is built with other settings."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def optimizer(self, kind: Any, parameters: Any, **settings: Any) -> Any:
        return kind(parameters, **{**settings, **self.settings})


class Frozen(Hand):
    def model(self, model: Any) -> Any:
        model.hidden.requires_grad_(False)
        return model


class WithRelu(Hand):
    def model(self, model: Any) -> Any:
        model.act = nn.ReLU()
        return model


class Smoothed(Hand):
    def loss(self, output: Any, y: Any) -> torch.Tensor:
        return F.cross_entropy(output, y, label_smoothing=0.1)


class Normalised(Hand):
    """By the channel's mean and deviation in the first batch, evaluated alike."""

    measured: Any = None

    def normalise(self, x: torch.Tensor) -> torch.Tensor:
        if self.measured is None:
            self.measured = torch.std_mean(x, (0, 2, 3), correction=0, keepdim=True)
        std, mean = self.measured
        return (x - mean) / std

    def batch(self, x: torch.Tensor, y: torch.Tensor) -> tuple[Any, Any]:
        return self.normalise(x), y

    def evaluating(self, world: World) -> Any:
        raw, world.x = world.x, self.normalise(world.x)
        return lambda: setattr(world, "x", raw)


class Averaged(Hand):
    """The mean of the weights after each step but the first is evaluated."""

    def built(self, world: World) -> None:
        self.means = {p: p.detach().clone() for p in world.model.parameters()}
        self.steps = 0

    def stepped(self, optimizer: Any) -> None:
        self.steps += 1
        count = max(self.steps - 1, 1)
        with torch.no_grad():
            for p in parameters_of(optimizer):
                self.means[p].lerp_(p, 1 / count)

    def evaluating(self, world: World) -> Any:
        trained = {p: p.detach().clone() for p in self.means}
        self.put(self.means)
        return lambda: self.put(trained)

    @torch.no_grad()
    def put(self, values: dict[Any, torch.Tensor]) -> None:
        for p, value in values.items():
            p.copy_(value)


class Together(Hand):
    """Several hands in one loop, in the order in which their tricks act."""

    def __init__(self, *hands: Hand) -> None:
        self.hands = hands

    def model(self, model: nn.Module) -> nn.Module:
        for hand in self.hands:
            model = hand.model(model)
        return model

    def optimizer(self, kind: Any, parameters: Any, **settings: Any) -> Any:
        for hand in self.hands:
            kind = partial(hand.optimizer, kind)
        return kind(parameters, **settings)

    def built(self, world: World) -> None:
        for hand in self.hands:
            hand.built(world)

    def batch(self, x: torch.Tensor, y: torch.Tensor) -> tuple[Any, Any]:
        for hand in self.hands:
            x, y = hand.batch(x, y)
        return x, y

    def loss(self, output: Any, y: Any) -> torch.Tensor:
        own = [hand for hand in self.hands if type(hand).loss is not Hand.loss]
        assert len(own) < 2, "two losses by hand are one that nobody has written"
        return (own[0] if own else super()).loss(output, y)

    def gradients(self, optimizer: Any) -> None:
        for hand in self.hands:
            hand.gradients(optimizer)

    def stepped(self, optimizer: Any) -> None:
        for hand in self.hands:
            hand.stepped(optimizer)

    def evaluating(self, world: World) -> Any:
        undo = [hand.evaluating(world) for hand in self.hands]

        def over() -> None:
            for act in reversed(undo):
                act()

        return over


HANDS: dict[str, Callable[[], Hand]] = {
    "normalise-input": Normalised,
    "activation": WithRelu,
    "freeze": Frozen,
    "label-smoothing": Smoothed,
    "centralise-gradients": Centralised,
    "clip-norm": ByNorm,
    "clip-value": ByValue,
    "betas": lambda: With(betas=(0.8, 0.95)),
    "eps": lambda: With(eps=1e-3),
    "swa": Averaged,
}
"""In the order in which the tricks act."""
