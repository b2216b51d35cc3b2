"""Small trainings of a few milliseconds a step, for the common suite."""

from __future__ import annotations

import copy
import random
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)


def seed_everything(seed: int) -> None:
    torch.manual_seed(seed)
    random.seed(seed)


def parameters_of(optimizer: Any) -> list[torch.Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]


class Hand:
    """The plain loop; a hand-written variant overrides what it does differently."""

    def model(self, model: nn.Module) -> nn.Module:
        """The model, before an optimizer is built from it."""
        return model

    def optimizer(self, kind: Any, parameters: Any, **settings: Any) -> Any:
        return kind(parameters, **settings)

    def built(self, world: World) -> None:
        """Everything is built."""

    def batch(self, x: torch.Tensor, y: torch.Tensor) -> tuple[Any, Any]:
        return x, y

    def output(self, model: nn.Module, x: Any) -> Any:
        return model(x)

    def loss(self, output: Any, y: Any) -> torch.Tensor:
        return F.cross_entropy(output, y)

    def gradients(self, optimizer: Any) -> None:
        """The gradients are final and unscaled; the step comes next."""

    def stepped(self, optimizer: Any) -> None:
        """A real step is done (not one that a GradScaler left out)."""

    def evaluating(self, world: World) -> Any:
        """Called before an evaluation; what it returns is called after it."""
        return lambda: None


class Mlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(64, 16)
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.tanh(self.norm(self.first(x))))


class World:
    """One training of random digits-like data: 64 values in 0..1, ten classes.

    Subclasses are the workloads. `scaler` and `schedulers` are there where a workload has them.
    """

    rows = 8
    optimizers: list[Any]
    scaler: Any = None
    scheduler: Any = None

    def __init__(self, hand: Hand) -> None:
        seed_everything(0)
        self.hand = hand
        data = torch.Generator().manual_seed(1)
        self.x = torch.rand(64, 64, generator=data)
        self.y = torch.randint(0, 10, (64,), generator=data)
        self.model = hand.model(self.make_model())
        self.optimizers = self.make_optimizers()
        hand.built(self)

    def make_model(self) -> nn.Module:
        return Mlp()

    def make_optimizers(self) -> list[Any]:
        return [self.hand.optimizer(torch.optim.SGD, self.model.parameters(), lr=0.1, momentum=0.9)]

    def rows_of(self, t: int) -> tuple[Any, Any]:
        at = torch.arange(t * self.rows, (t + 1) * self.rows) % len(self.x)
        return self.hand.batch(self.x[at], self.y[at])

    def loss_of(self, t: int) -> torch.Tensor:
        x, y = self.rows_of(t)
        return self.hand.loss(self.hand.output(self.model, x), y)

    def step(self, t: int) -> float:
        """One training step; returns the loss."""
        optimizer = self.optimizers[0]
        optimizer.zero_grad()
        loss = self.loss_of(t)
        loss.backward()
        self.hand.gradients(optimizer)
        optimizer.step()
        self.hand.stepped(optimizer)
        return loss.item()

    def evaluate(self) -> float:
        """The loss on all data, gradients off, in eval mode."""
        over = self.hand.evaluating(self)
        self.model.eval()
        with torch.no_grad():
            value = F.cross_entropy(self.model(self.x), self.y).item()
        self.model.train()
        over()
        return value

    def state(self) -> dict[str, Any]:
        """All that a careful script would save."""
        kept = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "scaler": self.scaler and self.scaler.state_dict(),
            "scheduler": self.scheduler and self.scheduler.state_dict(),
            "random": (torch.get_rng_state(), random.getstate()),
        }
        return copy.deepcopy(kept)

    def load(self, kept: dict[str, Any]) -> None:
        """Goes on from there."""
        kept = copy.deepcopy(kept)
        self.model.load_state_dict(kept["model"])
        for optimizer, one in zip(self.optimizers, kept["optimizers"], strict=True):
            optimizer.load_state_dict(one)
        if self.scaler:
            self.scaler.load_state_dict(kept["scaler"])
        if self.scheduler:
            self.scheduler.load_state_dict(kept["scheduler"])
        torch.set_rng_state(kept["random"][0])
        random.setstate(kept["random"][1])


class Plain(World):
    """The usual loop."""


class Adam(World):
    """The usual loop with AdamW."""

    def make_optimizers(self) -> list[Any]:
        return [self.hand.optimizer(torch.optim.AdamW, self.model.parameters(), lr=1e-2)]


class Accumulated(World):
    """Two backward passes a step."""

    def step(self, t: int) -> float:
        optimizer = self.optimizers[0]
        optimizer.zero_grad()
        total = 0.0
        for part in (2 * t, 2 * t + 1):
            loss = self.loss_of(part) / 2
            loss.backward()
            total += loss.item()
        self.hand.gradients(optimizer)
        optimizer.step()
        self.hand.stepped(optimizer)
        return total


class Scaled(World):
    """A GradScaler that leaves out the step of one batch, which overflows."""

    overflows = 2

    def __init__(self, hand: Hand) -> None:
        self.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=2)
        super().__init__(hand)

    def step(self, t: int) -> float:
        optimizer, scaler = self.optimizers[0], self.scaler
        optimizer.zero_grad()
        loss = self.loss_of(t)
        scaler.scale(loss * float("inf") if t == self.overflows else loss).backward()
        scaler.unscale_(optimizer)
        finite = all(p.grad is None or bool(p.grad.isfinite().all())
                     for p in parameters_of(optimizer))  # fmt: skip
        if finite:
            self.hand.gradients(optimizer)
        scaler.step(optimizer)
        scaler.update()
        if finite:
            self.hand.stepped(optimizer)
        return loss.item()


class TwoOptimizers(World):
    """One optimizer for the body, another for the head, each with its own rate."""

    def make_optimizers(self) -> list[Any]:
        model: Any = self.model
        head = {id(p) for p in model.head.parameters()}
        body = [p for p in model.parameters() if id(p) not in head]
        return [
            self.hand.optimizer(torch.optim.SGD, body, lr=0.1),
            self.hand.optimizer(torch.optim.Adam, list(model.head.parameters()), lr=1e-2),
        ]

    def step(self, t: int) -> float:
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss = self.loss_of(t)
        loss.backward()
        for optimizer in self.optimizers:
            self.hand.gradients(optimizer)
            optimizer.step()
            self.hand.stepped(optimizer)
        return loss.item()


class Closure(World):
    """The gradient is computed in a closure that the step calls."""

    def step(self, t: int) -> float:
        optimizer = self.optimizers[0]
        calls = 0

        def closure() -> torch.Tensor:
            nonlocal calls
            optimizer.zero_grad()
            loss = self.loss_of(t)
            loss.backward()
            calls += 1
            if calls == 1:
                self.hand.gradients(optimizer)
            return loss

        loss = optimizer.step(closure).item()
        self.hand.stepped(optimizer)
        return loss


class Lbfgs(Closure):
    """A closure that is called many times a step."""

    def make_optimizers(self) -> list[Any]:
        settings = {"lr": 0.1, "max_iter": 4}
        return [self.hand.optimizer(torch.optim.LBFGS, self.model.parameters(), **settings)]


class Compiled(World):
    """The model's call is compiled; the graph is captured as usual and run by torch itself."""

    def __init__(self, hand: Hand) -> None:
        super().__init__(hand)
        torch._dynamo.reset()
        self._compiled = torch.compile(self.model, backend="eager")

    def loss_of(self, t: int) -> torch.Tensor:
        x, y = self.rows_of(t)
        return self.hand.loss(self.hand.output(self._compiled, x), y)


class TiedModel(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(12, 16)
        self.mix = nn.Linear(16, 16)
        self.out = nn.Linear(16, 12, bias=False)
        self.out.weight = self.words.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(torch.relu(self.mix(self.words(x))))


class Tied(World):
    """A tiny language model whose embedding is its output layer."""

    def make_model(self) -> nn.Module:
        return TiedModel()

    def rows_of(self, t: int) -> tuple[Any, Any]:
        x = (self.x[t % 64, :24] * 12).long()
        return self.hand.batch(x, (x + 1) % 12)

    def evaluate(self) -> float:
        over = self.hand.evaluating(self)
        self.model.eval()
        with torch.no_grad():
            x = (self.x[:, :24] * 12).long()
            value = F.cross_entropy(self.model(x).flatten(0, 1), ((x + 1) % 12).flatten()).item()
        self.model.train()
        over()
        return value
