"""Two more workloads for tricks on gradients: scripts that leave more to their GradScaler."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from suite import WORKLOADS


class Unscaled(WORKLOADS["scaled"]):  # type: ignore[misc]
    """The script leaves unscaling and the test for overflows to the GradScaler."""

    settings: ClassVar[dict[str, Any]] = {}

    def make_optimizers(self) -> list[Any]:
        settings = {"lr": 0.1, "momentum": 0.9, **self.settings}
        return [self.hand.optimizer(torch.optim.SGD, self.model.parameters(), **settings)]

    def step(self, t: int) -> float:
        optimizer = self.optimizers[0]
        optimizer.zero_grad()
        loss = self.loss_of(t)
        self.scaler.scale(loss * float("inf") if t == self.overflows else loss).backward()
        self.scaler.step(optimizer)
        self.scaler.update()
        return loss.item()


class Fused(Unscaled):
    """And the GradScaler leaves both to the optimizer."""

    settings: ClassVar[dict[str, Any]] = {"fused": True}


@pytest.fixture(autouse=True)
def more_workloads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WORKLOADS, "unscaled", Unscaled)
    monkeypatch.setitem(WORKLOADS, "fused", Fused)
