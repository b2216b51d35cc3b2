"""Which rows of an evaluation had been trained on, and what names say of data."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from assay.journal.events import OVERLAP_FOUND
from assay.probes.data.batches import Batches
from assay.probes.data.overlap import _named, are_near, row_points, row_prints
from assay.probes.evaluation.held_out import HeldOut
from assay.probes.model.structure import Structure

from .conftest import Watching


def run(seen: Any, evaluated: torch.Tensor, known: torch.Tensor, trainings: int = 1) -> None:
    model = nn.Linear(known.shape[1], 1)
    for _ in range(trainings):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(2):
            for part in known.split(20):
                optimizer.zero_grad()
                model(part).square().mean().backward()
                optimizer.step()
    model.eval()
    with torch.no_grad():
        model(evaluated)


def last(seen: Any) -> dict[str, Any]:
    events = list(seen.view.events(OVERLAP_FOUND))
    return dict(events[-1].data) if events else {}


def test_rows_that_were_trained_on(watched: Watching, no_haste: None) -> None:
    known, new = torch.randn(60, 6), torch.randn(40, 6)
    for evaluated, mixed, whole, count in (
        (known[:40], 0, 1, 40),
        (new, 0, 0, 0),
        (torch.cat([known[:20], new[:20]]), 1, 0, 20),
    ):
        with watched(Structure, Batches, HeldOut) as seen:
            run(seen, evaluated, known)
        data = last(seen)
        assert (data["batches"], data["rows"], data["seen"]) == (1, 40, count)
        assert (data["mixed"], data["whole"]) == (mixed, whole)


@pytest.mark.parametrize(
    ("noise", "mixed", "whole"), [(1e-3, 0, 1), (4e-3, 0, 1), (0.3, 0, 0)], ids=str
)
def test_rows_that_are_nearly_those_that_were_trained_on(
    watched: Watching, no_haste: None, noise: float, mixed: int, whole: int
) -> None:
    known = torch.randn(60, 12)
    with watched(Structure, Batches, HeldOut) as seen:
        run(seen, known[:40] + noise * torch.randn(40, 12), known)
    data = last(seen)
    assert (data["mixed"], data["whole"]) == (mixed, whole)
    assert data["near"] == data["seen"] == (40 if whole else 0)


@pytest.mark.parametrize("width", [1, 2, 40])
def test_new_rows_are_seldom_near(width: int) -> None:
    rows = torch.randn(700, width) @ torch.randn(width, 30)
    rows[:, 0] = rows[:, 0].exp()  # dense in one place, wide in another
    share = are_near(row_points(rows[:128]), row_points(rows[128:])).float().mean()
    assert share < 0.08, "of rows along a line a few are"
    again = row_points(rows[128:]).repeat(2, 1)
    moved = rows[128:192] * (1 + 1e-6)
    assert are_near(row_points(moved), again).float().mean() > 0.8


def test_where_training_rows_are_near_each_other_none_is() -> None:
    rows = torch.randn(64, 20).repeat(4, 1) + 1e-3 * torch.randn(256, 20)
    assert not are_near(row_points(rows[:64]), row_points(rows[64:])).any()


def test_where_little_is_known_nothing_is_asked(watched: Watching, no_haste: None) -> None:
    known = torch.randn(60, 6)
    with watched(Structure, Batches, HeldOut) as seen:
        model = nn.Linear(6, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for part in known.split(20):  # one epoch: nothing has come again
            model(part).square().mean().backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            model(known)
    assert last(seen) == {}


def test_rows_that_may_well_be_equal_have_no_print() -> None:
    assert row_prints(torch.randn(8, 3)) is None
    assert row_prints(torch.randint(0, 2, (40, 4)).float()) is None
    assert row_prints(torch.randn(8, 4).repeat(3, 1)) is None
    assert row_prints(torch.arange(5.0)) is None
    prints = row_prints(torch.randn(8, 2, 2).repeat(1, 3, 1))
    assert prints is not None
    assert len(prints) == 8


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["x", "loader", "val_loader", "n_train"], "val_loader"),
        (["X_test"], "X_test"),
        (["self.dev_set"], "self.dev_set"),
        (["testset", "trainset"], "testset"),
        (["x", "train_loader", "train_ds", "n_val"], None),
        (["values", "tested", "evaluate", "latest"], None),
        (["xte"], "xte"),
        (["xtr", "xte"], None),
    ],
)
def test_names(names: list[str], told: str | None) -> None:
    assert _named(names) == told
