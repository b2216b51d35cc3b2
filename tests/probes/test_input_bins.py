"""The histogram of an input's first batch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from assay.probes.data.batches import BINS, NUMBERS_AT_MOST, Batches, bin_shares


def shares_of(values: torch.Tensor) -> torch.Tensor:
    return bin_shares(values, values.min(), values.max())


def test_shares_are_those_of_the_numbers() -> None:
    values = torch.cat([torch.zeros(30), torch.full((10,), 12.0), torch.full((60,), 24.0)])
    shares = shares_of(values)
    assert shares[0] == pytest.approx(0.3)
    assert shares[12] == pytest.approx(0.1)
    assert shares[BINS - 1] == pytest.approx(0.6), "the highest number belongs to the last bin"
    assert shares.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("values", [torch.ones(5, 4), torch.tensor([[3.0]])])
def test_numbers_that_are_all_the_same_fill_one_bin(values: torch.Tensor) -> None:
    assert shares_of(values).tolist() == [1.0] + [0.0] * (BINS - 1)


def test_of_many_numbers_some_are_looked_at() -> None:
    values = torch.linspace(0, 1, 50 * NUMBERS_AT_MOST)
    shares = shares_of(values)
    assert shares.sum() == pytest.approx(1.0)
    assert max(shares) - min(shares) < 1e-3


def test_it_is_recorded_once_for_each_input(watched: Any) -> None:
    with watched(Batches) as seen:
        model = nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(5):
            model(torch.randn(8, 4)).sum().backward()
            optimizer.step()
    (training,) = seen.view.trainings
    bins = training.signals["input_bin_share"]
    assert list(bins) == [f"input 0 [{number}]" for number in range(BINS)]
    assert [len(series) for series in bins.values()] == [1] * BINS
    assert sum(series.first for series in bins.values()) == pytest.approx(1.0)
