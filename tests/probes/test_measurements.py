"""Two probes that ask the model, as the catalogue will have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.journal.schema import Per, Signal
from assay.journal.signals import SIGNALS
from assay.replay.measurement import Measurement, When
from assay.replay.replays import Replays


class SamplesMixed(Measurement):
    """How much a sample's answer depends on the samples beside it, in evaluation mode.

    Signal `samples_mixed`: largest difference between f(x)[:n/2] and f(x[:n/2]), and between
    f(x)[p] and f(x[p]), relative to the largest answer.
    """

    name, forwards, at = "samples_mixed", 4, (When.FIRST_STEP, When.AFTER_EVALUATION)

    def measure(self, replays: Replays) -> Iterator[tuple[str, str, Any]]:
        inputs = replays.inputs
        rows = len(next(iter(inputs.values())))
        turned = torch.arange(rows - 1, -1, -1)
        (whole,) = replays.output(mode=False)
        (half,) = replays.output(inputs={k: x[: rows // 2] for k, x in inputs.items()}, mode=False)
        (other,) = replays.output(inputs={k: x[turned] for k, x in inputs.items()}, mode=False)
        apart = max((whole[: rows // 2] - half).abs().max(), (whole[turned] - other).abs().max())
        yield "samples_mixed", "", apart / whole.abs().max()


class ModesCompared(Measurement):
    """What dropout and batch statistics alone do to the loss of a batch.

    Signal `mode_gap`: loss in training mode less loss in evaluation mode, on the same batch.
    """

    name, forwards = "mode_gap", 3
    at: ClassVar = (When.FIRST_STEP, When.OPENING_END, When.RARELY)

    def measure(self, replays: Replays) -> Iterator[tuple[str, str, Any]]:
        yield "mode_gap", "", replays.loss(mode=True) - replays.loss(mode=False)


@pytest.fixture(autouse=True)
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("samples_mixed", "mode_gap"):
        monkeypatch.setitem(SIGNALS, name, Signal(name, name, "", Per.WHOLE, name, name, absent=""))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(inplace=True), nn.Dropout(0.3)
        )
        self.head = nn.Linear(16, 3)
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


def train(model: nn.Module, steps: int = 6) -> None:
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(steps):
        x, y = torch.randn(12, 8), torch.randint(0, 3, (12,))
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(torch.randn(12, 8)), y)
        model.train()


def test_modes_are_compared(watched: Any) -> None:
    torch.manual_seed(0)
    model = Net()
    twin = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watched(ModesCompared) as seen:
        for step in range(3):
            x, y = torch.randn(12, 8), torch.randint(0, 3, (12,))
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            if step == 0:
                twin.load_state_dict(model.state_dict())
                with torch.no_grad():
                    evaluated = F.cross_entropy(twin.eval()(x), y)
                expected = (loss - evaluated).item()
            optimizer.step()
    gap = seen.view.trainings[0].series("mode_gap")
    assert len(gap) == 1
    assert gap.first == pytest.approx(expected, abs=1e-6)


class Mixing(Net):
    """Softmax over the batch: a sample's answer depends on its neighbours."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).softmax(0)


class Normalising(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward((x - x.mean(0)) / x.std(0))


@pytest.mark.parametrize(("make", "mixed"), [(Net, False), (Mixing, True), (Normalising, True)])
@pytest.mark.parametrize("where", ["training", "evaluation"])
def test_samples_that_are_mixed_are_seen(
    watched: Any, make: type[Net], mixed: bool, where: str
) -> None:
    with watched(SamplesMixed) as seen:
        train(make())
    found = seen.view.trainings[0].series("samples_mixed")
    steps = [step for step, _ in found.finite()]
    assert 0 in steps if where == "training" else max(steps) > 0
    assert all((value > 1e-3) == mixed for _, value in found.finite())


class Counting(Net):
    def forward(self, x: Tensor) -> Tensor:
        PRINTED.append(len(x))
        return super().forward(x)


PRINTED: list[int] = []


def test_a_model_that_counts_is_not_called_and_the_report_says_why(watched: Any) -> None:
    with watched(SamplesMixed, ModesCompared) as seen:
        train(Counting())
    assert len(PRINTED) == 12
    for name in ("samples_mixed", "mode_gap"):
        assert len(seen.view.trainings[0].series(name)) == 0
        assert "could not look" in seen.view.skipped[name]
