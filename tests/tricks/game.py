"""A workload of two players: a judge and a generator that take turns."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from workloads import World


class Game(World):
    """A GAN for rows of 64 numbers; subclasses override what a person would write otherwise."""

    def make_model(self) -> nn.Module:
        maker = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 64), nn.Sigmoid())
        judge = nn.Sequential(nn.Linear(64, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
        return nn.ModuleDict({"maker": maker, "judge": judge})

    def make_optimizers(self) -> list[Any]:
        return [
            self.hand.optimizer(torch.optim.Adam, net.parameters(), lr=1e-2)
            for net in (self.model["judge"], self.model["maker"])  # type: ignore[index]
        ]

    def judged(self, x: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.model["judge"](x)  # type: ignore[index]
        return answer

    def real_loss(self, t: int, x: torch.Tensor) -> torch.Tensor:
        return F.binary_cross_entropy_with_logits(self.judged(x), torch.ones(len(x), 1))

    def made_loss(self, t: int, made: torch.Tensor) -> torch.Tensor:
        return F.binary_cross_entropy_with_logits(self.judged(made), torch.zeros(len(made), 1))

    def penalty(self, t: int, x: torch.Tensor, made: torch.Tensor) -> torch.Tensor | float:
        return 0.0

    def is_due(self, t: int) -> bool:
        return True

    def step(self, t: int) -> float:
        own, maker = self.optimizers
        x, _ = self.rows_of(t)
        made = self.model["maker"](torch.randn(len(x), 4))  # type: ignore[index]
        loss = self.real_loss(t, x) + self.made_loss(t, made.detach())
        told = loss.item()
        loss = loss + self.penalty(t, x, made.detach()) if self.has_penalty else loss
        own.zero_grad()
        loss.backward()
        self.hand.gradients(own)
        own.step()
        self.hand.stepped(own)
        fooled = F.binary_cross_entropy_with_logits(self.judged(made), torch.ones(len(x), 1))
        maker.zero_grad()
        fooled.backward()
        if self.is_due(t):
            self.hand.gradients(maker)
            maker.step()
            self.hand.stepped(maker)
        return told + fooled.item()

    has_penalty = False

    def evaluate(self) -> float:
        over = self.hand.evaluating(self)
        with torch.no_grad():
            value = self.judged(self.x).mean().item()
        over()
        return value
