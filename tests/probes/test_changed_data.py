"""Which arrays of a data set change as samples are read."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, Subset

from assay.journal.events import DATA_CHANGED
from assay.probes.data.changed_data import PASSES_AT_MOST, ChangedData

from .conftest import Watching


class Rows(Dataset[Any]):
    def __init__(self, *, in_place: bool, count: int = 12) -> None:
        self.rows = torch.randn(count, 3)
        self.seen = torch.zeros(count)
        self.in_place = in_place

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Any:
        row = self.rows[index]
        self.seen[index] += 1  # nobody is given this
        if self.in_place:
            row *= 2
        return row + 0 if not self.in_place else row


def begin() -> None:
    """A journal begins with the first backward pass."""
    torch.ones(2, requires_grad=True).sum().backward()


def passes(seen: Any) -> list[tuple[str, int]]:
    return [(e.data["name"], e.data["passed"]) for e in seen.view.events(DATA_CHANGED)]


def test_rows_that_are_changed_and_handed_out(watched: Watching) -> None:
    for data in (Rows(in_place=True), Subset(Rows(in_place=True), [1, 3, 5, 7])):
        with watched(ChangedData) as seen:
            begin()
            loader = DataLoader(data, batch_size=2, shuffle=True)
            for _ in range(3):
                list(loader)
        assert passes(seen) == [("rows", 1), ("rows", 2), ("rows", 3)]
        event = next(seen.view.events(DATA_CHANGED))
        assert event.data["after"] == 2 * event.data["before"]


def test_rows_that_stay(watched: Watching) -> None:
    with watched(ChangedData) as seen:
        begin()
        for _ in range(3):
            list(DataLoader(Rows(in_place=False), batch_size=4))
        list(DataLoader([1.0, 2.0]))
        list(DataLoader(range(3)))  # type: ignore[arg-type]
    assert passes(seen) == []


def test_it_looks_at_the_first_passes_only(watched: Watching) -> None:
    with watched(ChangedData) as seen:
        begin()
        loader = DataLoader(Rows(in_place=True), batch_size=4)
        for _ in range(PASSES_AT_MOST + 3):
            list(loader)
        assert not seen.watch.hub.listeners["batch"]
    assert len(passes(seen)) == PASSES_AT_MOST


def test_evaluations_are_left_alone(watched: Watching) -> None:
    with watched(ChangedData) as seen:
        begin()
        with torch.no_grad():
            list(DataLoader(Rows(in_place=True), batch_size=4))
    assert passes(seen) == []
