"""Where the time of a step goes."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import nn

from assay.probes.pace import Pace


class Slow(nn.Module):
    """Sleeps in its forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(0.02)
        return self.layer(x)


def test_each_part_has_its_own_time(watched: Any) -> None:
    data = torch.utils.data.TensorDataset(torch.randn(40, 4))
    with watched(Pace) as seen:
        model = Slow()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for (batch,) in torch.utils.data.DataLoader(data, batch_size=4):
            loss = model(batch).square().mean() + model(batch).square().mean()
            optimizer.zero_grad()
            loss.backward()
            time.sleep(0.01)
            optimizer.step()
    (training,) = seen.view.trainings
    for part in ("forward_s", "backward_s", "step_s", "data_wait_s"):
        values = training.series(part).values
        assert len(values) == 10, part
        assert all(value >= 0 for value in values)
    assert min(training.series("forward_s").values) >= 0.04, "both calls of the model count"
    assert sorted(training.series("step_s").values)[5] < 0.01
    assert sorted(training.series("backward_s").values)[5] < 0.02
    assert training.series("memory_peak").last > 1e7
    assert sorted(training.series("memory_peak").values) == list(
        training.series("memory_peak").values
    )


def test_a_closure_is_not_the_optimizers_time(watched: Any) -> None:
    with watched(Pace) as seen:
        model = Slow()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            loss = model(torch.ones(2, 4)).square().mean()
            loss.backward()
            return loss

        for _ in range(5):
            optimizer.step(closure)
    (training,) = seen.view.trainings
    assert not len(training.series("step_s"))
    assert min(training.series("forward_s").values) >= 0.02
