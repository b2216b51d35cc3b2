"""Unit tests of `saved-by-every-rank`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.distributed.saved_by_every_rank import SavedByEveryRank
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = SavedByEveryRank()


LINE = Site("train.py", 30)


def found(*saves: tuple[int, int, str], nodes: tuple[str, ...] = ("a", "a")) -> list[Finding]:
    trainings = [make_training(index=n, process=n, loss=[1.0] * 50) for n in range(len(nodes))]
    events = [
        Event("saved", step, {"path": path}, LINE, process=process) for process, step, path in saves
    ]
    facts: dict[str, Any] = {"world": 2, "processes": [{"node": node} for node in nodes]}
    return list(CHECK.review(make_run(*trainings, events=events, facts=facts)))


def test_one_file_of_two_ranks() -> None:
    (finding,) = found((0, 10, "/runs/last.pt"), (1, 10, "/runs/last.pt"))
    assert finding.summary == "2 ranks wrote last.pt at the same step, 10"
    assert finding.where.site == LINE
    assert finding.processes == (0, 1)
    (finding,) = found(*((rank, step, "/last.pt") for step in (5, 9) for rank in (0, 1)))
    assert finding.summary.endswith("at the same step, and so 2 times")


@pytest.mark.parametrize(
    "saves",
    [
        [(0, 10, "/last.pt")],
        [(0, 10, "/last-0.pt"), (1, 10, "/last-1.pt")],
        [(0, 10, "/last.pt"), (1, 20, "/last.pt")],
        [(0, 10, "/last.pt"), (0, 10, "/last.pt")],
        [],
    ],
)
def test_right_ones_are_silent(saves: list[tuple[int, int, str]]) -> None:
    assert found(*saves) == []


def test_nodes_have_disks_of_their_own() -> None:
    assert found((0, 10, "/last.pt"), (1, 10, "/last.pt"), nodes=("a", "b")) == []
