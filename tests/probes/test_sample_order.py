"""Whether answers depend on the order of a batch, and where that begins."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.journal.events import SAMPLES_MIXED
from assay.probes.model.sample_order import SampleOrder

ROWS = 8


class Net(nn.Module):
    """Answers for [samples, time, features], each sample by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = nn.LSTM(4, 16, batch_first=True)
        self.head = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.memory(x)[0][:, -1])


class TakesSamplesForTime(Net):
    def forward(self, x: Tensor) -> Tensor:
        heard = self.memory(x.transpose(0, 1))[0].transpose(0, 1)
        return self.head(heard[:, -1])


class AddsPlaces(Net):
    def forward(self, x: Tensor) -> Tensor:
        places = torch.linspace(0, 3, len(x))[:, None, None]
        moved = x + places  # here
        return super().forward(moved)


class SwapsByView(Net):
    def forward(self, x: Tensor) -> Tensor:
        swapped = x.reshape(x.shape[1], x.shape[0], x.shape[2])
        return self.head(swapped.mean(0) @ torch.ones(4, 16))


class OneSequence(Net):
    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.memory(x)[0])


class Draws(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x + torch.randn_like(x))


class OverTheBatch(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x - x.mean(0))


def train(make: type[nn.Module], *shape: int, steps: int = 3) -> nn.Module:
    torch.manual_seed(0)
    model = make()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        x, y = torch.randn(ROWS, *shape), torch.arange(ROWS) % 3
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model


class Reader(nn.Module):
    """Goes through time first; `swap` says how it gets there."""

    def __init__(self, swap: str) -> None:
        super().__init__()
        self.swap, self.steps, self.out = swap, nn.GRU(4, 5), nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = x.view(5, ROWS, 4) if self.swap == "view" else x.transpose(0, 1)
        result: Tensor = self.out(self.steps(x)[0][-1])
        return result


@pytest.mark.parametrize("swap", ["view", "transpose"])
def test_each_of_two_models_is_asked(watched: Any, swap: str) -> None:
    torch.manual_seed(0)
    pixels, reader = nn.Linear(4, 4), Reader(swap)
    with watched(SampleOrder) as seen:
        optimizer = torch.optim.SGD([*pixels.parameters(), *reader.parameters()], lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            x, y = torch.randn(ROWS, 5, 4), torch.arange(ROWS) % 3
            F.cross_entropy(reader(pixels(x)), y).backward()
            optimizer.step()
    change = seen.view.trainings[0].series("sample_order_change").first
    events = list(seen.view.events(SAMPLES_MIXED))
    if swap == "transpose":
        assert change < 1e-4
        assert events == []
    else:
        assert change > 0.05
        assert [(e.data["operation"], e.data["shape"]) for e in events] == [("view", [5, ROWS, 4])]


@pytest.mark.parametrize("make", [Net, OverTheBatch])
def test_0_for_a_model_that_answers_each_sample_by_itself(watched: Any, make: Any) -> None:
    with watched(SampleOrder) as seen:
        train(make, 5, 4)
    assert seen.view.trainings[0].series("sample_order_change").first < 1e-4
    assert list(seen.view.events(SAMPLES_MIXED)) == []


@pytest.mark.parametrize("make", [TakesSamplesForTime, AddsPlaces, SwapsByView])
def test_the_number_is_that_of_two_calls_by_hand(watched: Any, make: Any) -> None:
    with watched(SampleOrder) as seen:
        train(make, 5, 4)
    torch.manual_seed(0)
    model, x = make(), torch.randn(ROWS, 5, 4)
    order = torch.randperm(ROWS, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        one, other = model(x).double(), model(x[order]).double()
    spread = (one - one.mean(0)).norm(dim=1).median()
    change = (one[order] - other).norm(dim=1).median() / spread
    measured = seen.view.trainings[0].series("sample_order_change").first
    assert measured == pytest.approx(float(change), rel=1e-4)
    assert measured > 0.05


def test_the_first_operation_that_depends_on_the_place_is_named(watched: Any) -> None:
    with watched(SampleOrder) as seen:
        train(AddsPlaces, 5, 4)
    (event,) = seen.view.events(SAMPLES_MIXED)
    assert event.data["operation"] == "add"
    line = AddsPlaces.forward.__code__.co_firstlineno + 2
    assert event.data["line"][0].endswith("test_sample_order.py")
    assert event.data["line"][1] == line
    assert event.data["shape"] == [ROWS, 5, 4]


def test_the_module_of_torch_that_is_called_is_named(watched: Any) -> None:
    class TimeFirst(Net):
        def __init__(self) -> None:
            super().__init__()
            self.memory = nn.LSTM(4, 16)

    with watched(SampleOrder) as seen:
        train(TimeFirst, 5, 4)
    (event,) = seen.view.events(SAMPLES_MIXED)
    assert event.data["inside"] == "LSTM"


@pytest.mark.parametrize("turned", [False, True])
def test_attention_between_samples(watched: Any, turned: bool) -> None:
    class Attends(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0)
            self.head = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            if turned:  # what the layer was built for
                return self.head(self.encoder(x.transpose(0, 1))[0])
            return self.head(self.encoder(x)[:, 0])

    with watched(SampleOrder) as seen:
        train(Attends, 5, 4)
    change = seen.view.trainings[0].series("sample_order_change").first
    events = list(seen.view.events(SAMPLES_MIXED))
    assert (change > 0.05, len(events)) == ((False, 0) if turned else (True, 1))
    if events:
        assert events[0].data["by"] == "company"
        assert events[0].data["inside"] in ("TransformerEncoderLayer", "MultiheadAttention")


@pytest.mark.parametrize(
    ("make", "shape", "why"),
    [
        (Draws, (5, 4), "draws random numbers"),
        (Net, (ROWS, 4), "as long as the batch"),
        (lambda: nn.Linear(4, 3), (4,), None),
        (OneSequence, (4,), "which dimension"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(20, 3)), (5, 4), None),
    ],
)
def test_what_could_not_be_asked_is_said(
    watched: Any, make: Any, shape: tuple[int, ...], why: str | None
) -> None:
    with watched(SampleOrder) as seen:
        train(make, *shape)
    said = seen.view.skipped.get("sample_order", "")
    assert (why in said) if why else said == ""
