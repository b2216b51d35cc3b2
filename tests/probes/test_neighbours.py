"""Whether rows that are alike have targets that are alike, against chance."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from assay.journal.events import NEIGHBOURS
from assay.probes.data.neighbours import ROWS_AT_LEAST, Neighbours, compare, drawn
from assay.probes.model.structure import Structure

from .conftest import Watching


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("labels", [True, False])
def test_targets_of_their_own_rows_are_told(own: bool, labels: bool) -> None:
    torch.manual_seed(3)
    x = torch.randn(600, 8)
    y = (x[:, 0] > 0).long() if labels else x[:, 0] + 0.1 * torch.randn(600)
    found = compare(x, y if own else y.flip(0), labels=labels)
    assert found is not None
    assert found["rows"] == 600
    assert (found["by_neighbours"] > 10) is own
    assert (found["by_line"] > 10) is own
    if labels:
        assert (found["agree"] > found["chance"] + 0.1) is own


def test_the_same_sample_counts_once() -> None:
    torch.manual_seed(3)
    x, y = torch.randn(ROWS_AT_LEAST, 4), torch.randint(0, 3, (ROWS_AT_LEAST,))
    found = compare(x.repeat(3, 1), y.repeat(3), labels=True)
    assert found is not None
    assert found["rows"] == ROWS_AT_LEAST
    assert found["by_neighbours"] < 3
    assert compare(x[1:].repeat(3, 1), y[1:].repeat(3), labels=True) is None


def test_what_cannot_be_told() -> None:
    x = torch.randn(300, 4)
    assert compare(x, torch.zeros(300, dtype=torch.long), labels=True) is None
    assert compare(x, torch.ones(300), labels=False) is None
    assert compare(x / 0, torch.arange(300) % 2, labels=True) is None


def train(x: torch.Tensor, y: torch.Tensor, losses: int = 1) -> None:
    model = nn.Linear(x.shape[1], 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for part, wanted in zip(x.split(32), y.split(32), strict=True):
        optimizer.zero_grad()
        answers = model(part)
        sum(F.cross_entropy(answers, wanted) for _ in range(losses)).backward()
        optimizer.step()


def test_it_is_written_of_one_loss(watched: Watching, no_haste: None) -> None:
    x, y = torch.randn(320, 5), torch.randint(0, 3, (320,))
    state = torch.get_rng_state()
    with watched(Structure, Neighbours) as seen:
        train(x, y)
    (event, *_) = seen.view.events(NEIGHBOURS)
    assert event.data["rows"] == ROWS_AT_LEAST
    torch.set_rng_state(state)
    with watched(Structure, Neighbours) as seen:
        train(x, y, losses=2)
    assert list(seen.view.events(NEIGHBOURS)) == []
    assert "several" in seen.view.skipped["neighbours"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_drawn_does_not_follow_what_the_script_has_set(dtype: torch.dtype) -> None:
    before = torch.get_default_dtype()
    expected = drawn(70, 3)
    torch.set_default_dtype(dtype)
    try:
        assert drawn(70, 3).dtype is torch.float32
        assert torch.equal(drawn(70, 3), expected)
    finally:
        torch.set_default_dtype(before)


def test_wide_rows_in_double_precision_are_compared(watched: Watching) -> None:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        torch.manual_seed(3)
        x = torch.randn(ROWS_AT_LEAST, 100)
        model = nn.Linear(100, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with watched(Structure, Neighbours) as seen:
            F.cross_entropy(model(x), (x[:, 0] > 0).long()).backward()
            optimizer.step()
    finally:
        torch.set_default_dtype(before)
    assert not seen.view.errors
    assert any(True for _ in seen.view.events(NEIGHBOURS))
