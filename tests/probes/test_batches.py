"""What goes into a model: which tensors are data, and what is measured of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from assay.journal.events import INPUT
from assay.probes.data import batches
from assay.probes.data.batches import Batches, bin_shares, input_numbers, inputs_of
from assay.probes.model.structure import Structure

from .conftest import Watching

X = torch.arange(64.0).reshape(8, 8)


class Net(nn.Module):
    """Takes data by position and by keyword, and things that are no tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, x: Any, scale: Any = 1, *, mask: Any = None, **more: Any) -> Any:
        out = self.second(self.first(x).relu())
        return out if mask is None else out * mask


def train(model: nn.Module, *calls: Any, steps: int = 1, **keywords: Any) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    for _ in range(steps):
        model(*calls, **keywords).sum().backward()
        optimizer.step()


def places(seen: Any, signal: str) -> dict[str, list[float]]:
    training = seen.view.trainings[0]
    return {p: list(training.series(signal, p).values) for p in training.places(signal)}


def test_tensors_by_position_and_keyword(watched: Watching) -> None:
    mask = torch.ones(8, 4, dtype=torch.bool)
    with watched(Structure, Batches) as seen:
        train(Net(), X, torch.arange(6), mask=mask, table=torch.empty(0), word="a", steps=2)
    assert places(seen, "input_max") == {"input 0": [63.0, 63.0], "input 1": [5.0, 5.0]}
    assert places(seen, "input_min") == {"input 0": [0.0, 0.0], "input 1": [0.0, 0.0]}
    assert places(seen, "input_fingerprint") == {"input 0": [2016.0] * 2, "input 1": [15.0] * 2}
    assert places(seen, "input_mean") == {"input 0": [31.5, 31.5]}
    found = [dict(event.data) for event in seen.view.events(INPUT)]
    assert found == [
        {"place": "input 0", "shape": [8, 8], "dtype": "float32"},
        {"place": "input 1", "shape": [6], "dtype": "int64"},
        {"place": "mask", "shape": [8, 4], "dtype": "bool"},
    ]


def test_tensors_are_bounded(watched: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "TENSORS_AT_MOST", 2)
    with watched(Structure, Batches) as seen:
        train(Net(), X, X, a=X)
    assert list(places(seen, "input_max")) == ["input 0", "input 1"]


def test_what_a_model_computed_is_no_data(watched: Watching) -> None:
    maker, judge = nn.Linear(8, 8), nn.Linear(8, 1)
    weights = [*maker.parameters(), *judge.parameters()]
    with watched(Structure, Batches) as seen:
        optimizer = torch.optim.SGD(weights, lr=0.0)
        for _ in range(2):
            made = maker(X)
            adversarial = (X + 1).requires_grad_()
            out = judge(made) + judge(made.detach()) + judge(adversarial)
            out.sum().backward()
            optimizer.step()
    found = places(seen, "input_max")
    assert sorted(values[-1] for values in found.values()) == [63.0, 64.0]


def test_what_a_module_without_weights_gives_back_is_data(watched: Watching) -> None:
    flat, model = nn.Flatten(0, 0), Net()
    with watched(Structure, Batches) as seen:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        model(flat(X)).sum().backward()
        optimizer.step()
    assert 63.0 in [values[-1] for values in places(seen, "input_max").values()]


def test_layers_that_are_given_data(watched: Watching) -> None:
    class Two(Net):
        def __init__(self) -> None:
            super().__init__()
            self.frozen = nn.Linear(8, 8).requires_grad_(requires_grad=False)
            self.norm, self.drop = nn.LayerNorm(8), nn.Dropout(0.0)

        def forward(self, x: Any, *more: Any, **keywords: Any) -> Any:
            wide = self.frozen(x) + self.norm(x) + self.drop(x)
            return self.first(x) + self.first(x * 2).sum() + self.second(x[:2]).sum() + wide

    with watched(Structure, Batches) as seen:
        train(Two(), X, steps=2)
    found = places(seen, "layer_input_mean")
    assert found == {"first": [63.0, 63.0]}, "the last call of an iteration is written"
    std = float((X * 2).double().std(correction=0))
    assert places(seen, "layer_input_std")["first"] == pytest.approx([std] * 2)


@pytest.mark.parametrize(
    ("tensor", "names"),
    [
        (X, ["mean", "std", "min", "max", "fingerprint", "nonfinite_share", "nan_share"]),
        (X.long(), ["min", "max", "fingerprint"]),
        (X > 3, []),
        (X.to(torch.complex64), []),
        (torch.eye(3).to_sparse(), []),
    ],
)
def test_which_numbers_an_input_has(tensor: torch.Tensor, names: list[str]) -> None:
    assert list(input_numbers(tensor)) == names


@pytest.mark.parametrize("scale", [1.0, 1e38, 1e-30])
def test_bins_from_lowest_to_highest(scale: float) -> None:
    x = torch.tensor([0.0, 1.2, 1.4, 12.5, 24.0, 24.0]) * (scale / 10)
    found = bin_shares(x, x.min(), x.max())
    assert len(found) == 24
    expected = [0.0] * 24
    for place, count in ((0, 1), (1, 2), (12, 1), (23, 2)):
        expected[place] = count / 6
    assert found.tolist() == pytest.approx(expected)


def test_bins_of_equal_numbers_and_of_what_is_not_finite() -> None:
    same = bin_shares(torch.full((5,), 3.0), torch.tensor(3.0), torch.tensor(3.0))
    assert same.tolist() == [1.0] + [0.0] * 23
    odd = torch.tensor([0.0, float("nan"), 24.0, float("inf")])
    found = bin_shares(odd, torch.tensor(0.0), torch.tensor(24.0))
    assert [found[0].item(), found[23].item(), found.sum().item()] == [0.5, 0.5, 1.0]


def test_a_picture_of_each_input_is_taken_once(watched: Watching) -> None:
    with watched(Structure, Batches) as seen:
        train(Net(), X, torch.arange(6), steps=3)
    training = seen.view.trainings[0]
    taken = training.places("input_bin_share")
    assert taken == tuple(f"input 0 [{number}]" for number in range(24))
    assert {len(training.series("input_bin_share", place)) for place in taken} == {1}


def test_every_n_th_of_many_numbers_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "NUMBERS_AT_MOST", 4)
    x = torch.tensor([0.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0])
    found = bin_shares(x, torch.tensor(0.0), torch.tensor(9.0))
    assert (found[0].item(), found[23].item()) == (0.25, 0.75)


def test_of_a_batch_that_a_wrapper_is_given_as_a_whole_the_first_tensor_is_the_input() -> None:
    watch: Any = SimpleNamespace(names=SimpleNamespace(prefix=lambda module: ""))
    x, y = torch.ones(4, 3), torch.arange(4)
    wrapper = nn.parallel.DistributedDataParallel.__new__(nn.parallel.DistributedDataParallel)
    ((place, found),) = inputs_of(watch, wrapper, ([x, y], 0), {})
    assert place == "input 0"
    assert found is x
    assert inputs_of(watch, nn.Linear(3, 1), ([x, y], 0), {}) == []
    assert inputs_of(watch, wrapper, (0,), {}) == []
