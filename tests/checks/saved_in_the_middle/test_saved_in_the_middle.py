"""Unit tests of `saved-in-the-middle`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.distributed.saved_in_the_middle import SavedInTheMiddle
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = SavedInTheMiddle()
LINE = Site("train.py", 20)


def found(*files: tuple[int, str, int], kind: str = "sharded") -> list[Finding]:
    """What is said of files, each with its rank, its path and its step."""
    events: list[Event[Any]] = [Event(kind, 0, {}, process=process) for process in (0, 1)]
    for rank, path, step in files:
        events.append(Event("saved", step, {"path": path}, LINE, process=1 - rank))
    processes = [{"pid": 7, "rank": 1}, {"pid": 8, "rank": 0}]
    run = make_run(loss=[1.0] * 90, events=events, facts={"processes": processes, "world": 2})
    return list(CHECK.review(run))


@pytest.mark.parametrize("kind", ["sharded", "replicated"])
def test_another_step(kind: str) -> None:
    files = (0, "/a/best-0.pt", 20), (1, "/a/best-1.pt", 20), (1, "/a/best-1.pt", 31)
    assert found(*files, kind=kind) == [], "the last one of rank 0 may be on its way"
    (finding,) = found(*files, (0, "/a/best-0.pt", 30), kind=kind)
    assert finding.summary == ("rank 0 wrote best-0.pt at step 30 and rank 1 best-1.pt at step 31")
    assert finding.where.site == LINE
    assert finding.steps == (30, 31)


def test_folders_of_ranks() -> None:
    for name in ("s.pt", "s{}.pt"):
        paths = [f"/a0/rank0{rank}/{name.format(rank)}" for rank in (0, 1)]
        assert len(found((0, paths[0], 20), (1, paths[1], 21))) == 1


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ([(0, "/a/best-0.pt", 20), (1, "/a/best-1.pt", 20)], "sharded"),
        ([(0, "/a/best-0.pt", 20), (1, "/a/best-1.pt", 21)], "joined"),  # each a model of its own
        ([(0, "/a/0-at-20.pt", 20), (1, "/a/1-at-21.pt", 21)], "sharded"),
        ([(0, "/a/log-0.pt", 20), (1, "/a/draw-1.pt", 21)], "sharded"),
        ([(0, "/a/best-0.pt", 20)], "sharded"),
        ([(0, "/a0/best.pt", 20), (1, "/a0/best.pt", 21)], "sharded"),  # one file
        ([(0, "/0-at-0.pt", 1), (1, "/1-at-1.pt", 2)], "sharded"),
        ([(0, "/a/b/0.pt", 1), (1, "/a/1.pt", 2)], "sharded"),
    ],
)
def test_right_ones_are_silent(files: list[tuple[int, str, int]], kind: str) -> None:
    assert found(*files, kind=kind) == []
