"""normalise-input and shuffle against loops written by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from kitchen import Kitchen
from suite import (
    STEPPING,
    Hand,
    TrickError,
    World,
    assert_same,
    attach,
    by_hand,
    differs,
    in_script,
    plain,
    read,
    record_of,
    train,
    treated,
)
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

VALUES = [workload for workload in [*STEPPING, "lbfgs"] if workload != "tied"]
"""Workloads whose input are values, not words."""


class Normalised(Hand):
    """Measures the first batch, and normalises all batches and the data of the evaluation."""

    measured: tuple[torch.Tensor, torch.Tensor] | None = None

    def measure(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        std, mean = torch.std_mean(x, (0, 2, 3) if x.dim() == 4 else 0, correction=0, keepdim=True)
        return mean, std

    def normalise(self, x: torch.Tensor) -> torch.Tensor:
        self.measured = self.measured or self.measure(x)
        return (x - self.measured[0]) / self.measured[1]

    def batch(self, x: torch.Tensor, y: torch.Tensor) -> tuple[Any, Any]:
        return self.normalise(x), y

    def evaluating(self, world: World) -> Any:
        raw, world.x = world.x, self.normalise(world.x)
        return lambda: setattr(world, "x", raw)


class InUnits(Normalised):
    def measure(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x.min(), x.max() - x.min()


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("workload", VALUES)
@pytest.mark.parametrize(
    ("trick", "hand"), [("normalise-input", Normalised), ("normalise-input=unit", InUnits)]
)
def test_normalised_by_hand(trick: str, hand: type[Hand], workload: str, attached: bool) -> None:
    expected = by_hand(workload, hand())
    assert_same(expected, treated(workload, trick, attached=attached))
    assert differs(expected, plain(workload))


def test_words_are_left_alone() -> None:
    assert_same(plain("tied"), treated("tied", "normalise-input"))


class Shown(nn.Module):
    """A model that gives back what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, x: Any, extra: Any = None) -> Any:
        return x


def normalised(*batches: torch.Tensor, rule: str = "standard") -> list[torch.Tensor]:
    """What a model is given for these batches, the first of which is measured."""
    model = Shown()
    with attach([read(f"normalise-input={rule}")], (model,)):
        return [model(batch) for batch in batches]


def test_statistics_are_per_feature_of_tables_and_per_channel_of_images_and_sequences() -> None:
    scale = torch.tensor([1.0, 10.0, 100.0])
    cases: list[tuple[torch.Tensor, tuple[int, ...]]] = [
        (torch.randn(64, 3) * scale + 5, (0,)),
        (torch.randn(8, 9, 3) * scale + 5, (0, 1)),
        (torch.randn(8, 3, 5, 5) * scale.view(3, 1, 1) + 5, (0, 2, 3)),
        (torch.randn(4, 3, 4, 5, 5) * scale.view(3, 1, 1, 1) + 5, (0, 2, 3, 4)),
    ]
    for x, others in cases:
        [out] = normalised(x)
        assert out.mean(others).abs().max() < 1e-5
        assert (out.std(others, correction=0) - 1).abs().max() < 1e-5
    [out] = normalised(cases[0][0], rule="unit")
    assert (out.min().item(), out.max().item()) == (0, 1)


def test_a_constant_feature_is_not_blown_up_when_it_changes() -> None:
    first = torch.randn(32, 4)
    first[:, 2] = 7.0
    later = first.clone()
    later[:, 2] = 7.5
    out, changed = normalised(first, later)
    assert bool(out.isfinite().all())
    assert bool((out[:, 2] == 0).all())
    assert changed[:, 2].max() == pytest.approx(0.5 / (0.01 * first.std().item()), rel=1e-5)
    assert torch.equal(changed[:, :2], out[:, :2])
    for rule in ("standard", "unit"):
        assert bool(normalised(torch.ones(3, 2), rule=rule)[0].isfinite().all())


def test_later_batches_and_evaluations_get_the_statistics_of_the_first_training_batch() -> None:
    model, first, later = Shown(), torch.rand(16, 2) * 255, torch.rand(16, 2) * 10
    std, mean = torch.std_mean(first, 0, correction=0)
    with in_script("normalise-input"):
        with torch.no_grad():
            assert torch.equal(model(later), later)  # nothing was trained yet
        assert torch.equal(model(first), (first - mean) / std)
        assert torch.equal(model(later), (later - mean) / std)
        with torch.no_grad():
            assert torch.equal(model.eval()(later), (later - mean) / std)
            assert torch.equal(model(x=later, extra=first), (later - mean) / std)
        assert torch.equal(model(later.long()), later.long())
    assert torch.equal(model(later), later)


# -- shuffle -----------------------------------------------------------------------------------


class ShuffledKitchen(Kitchen):
    def __init__(self, hand: Hand) -> None:
        super().__init__(hand)
        self.loader = DataLoader(TensorDataset(self.x, self.y), batch_size=8, shuffle=True)


@pytest.mark.parametrize("attached", [False, True])
def test_shuffled_as_the_loader_does_it(attached: bool) -> None:
    steps = 20  # three epochs
    world = ShuffledKitchen(Hand())
    expected = record_of(world, train(world, range(steps)))
    assert_same(expected, treated("kitchen", "shuffle", steps=steps, attached=attached))
    assert differs(expected, plain("kitchen", steps))


def epochs(loader: Any, count: int = 2) -> list[list[Any]]:
    return [[torch.as_tensor(batch).tolist() for batch in loader] for _ in range(count)]


SETTINGS: list[Callable[[], dict[str, Any]]] = [
    lambda: {"batch_size": 4},
    lambda: {"batch_size": 4, "generator": torch.Generator().manual_seed(5)},
    lambda: {"batch_size": 3, "drop_last": True},
    lambda: {"batch_size": 5, "num_workers": 2},
    lambda: {"batch_size": 5, "num_workers": 1, "persistent_workers": True},
    lambda: {"batch_size": None},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_order_is_that_of_a_loader_that_shuffles_and_new_each_epoch(settings: Any) -> None:
    torch.manual_seed(3)
    expected = epochs(DataLoader(range(20), shuffle=True, **settings()))
    assert expected[0] != expected[1]
    with in_script("shuffle"):
        torch.manual_seed(3)
        loader = DataLoader(range(20), **settings())
        assert epochs(loader) == expected
    assert epochs(loader, 1) == epochs(DataLoader(range(20), **settings()), 1)


def test_evaluations_and_orders_of_the_script_stay() -> None:
    in_order = epochs(DataLoader(range(12), 4))
    backwards = epochs(DataLoader(range(12), 4, sampler=range(11, -1, -1)))
    with in_script("shuffle"):
        loader = DataLoader(range(12), 4)
        with torch.no_grad():
            assert epochs(loader) == in_order
        assert epochs(loader) != in_order
        assert epochs(DataLoader(range(12), 4, sampler=range(11, -1, -1))) == backwards


def test_a_script_that_slices_by_hand_is_refused() -> None:
    with pytest.raises(TrickError, match="no DataLoader to shuffle"):
        treated("plain", "shuffle")
