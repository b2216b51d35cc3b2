"""A workload that has something for every trick."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from workloads import Hand, World


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(4, 4, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))


class KitchenModel(nn.Module):
    """A frozen stem, residual blocks with BatchNorm, a saturating activation, dropout, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.stem.requires_grad_(False)
        self.blocks = nn.Sequential(Block(), Block())
        self.hidden = nn.Linear(64, 16)
        self.act = nn.Sigmoid()
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.blocks(self.stem(x))
        x = nn.functional.avg_pool2d(x, 2).flatten(1)
        return self.head(self.drop(self.act(self.hidden(x))))


class Kitchen(World):
    """Images in a DataLoader, a scheduler, and a model with a part for every trick."""

    def __init__(self, hand: Hand) -> None:
        super().__init__(hand)
        self.x = self.x.unflatten(1, (1, 8, 8))
        data = torch.utils.data.TensorDataset(self.x, self.y)
        self.loader = torch.utils.data.DataLoader(data, batch_size=self.rows)
        self._batches: Iterator[Any] = iter(())
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizers[0], 2, 0.5)

    def make_model(self) -> nn.Module:
        return KitchenModel()

    def make_optimizers(self) -> list[Any]:
        return [self.hand.optimizer(torch.optim.AdamW, self.model.parameters(), lr=1e-2)]

    def rows_of(self, t: int) -> tuple[Any, Any]:
        found = next(self._batches, None)
        if found is None:
            self._batches = iter(self.loader)
            found = next(self._batches)
        return self.hand.batch(*found)

    def step(self, t: int) -> float:
        value = super().step(t)
        self.scheduler.step()
        return value
