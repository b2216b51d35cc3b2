"""Unit tests of `workers-share-random-state`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.data.workers_share_random_state import WorkersShareRandomState
from assay.checks.finding import Finding
from assay.journal.view import Event, Site, Worker
from assay.testing import make_run

CHECK = WorkersShareRandomState()
COUNT = int(CHECK.limit("workers"))
LOADER = Event("loader", 0, {"workers": COUNT, "built": ["train.py", 12, ""]})


def found(
    *states: int, drawn: tuple[str, ...] = ("dataset.rng",), groups: int = 1
) -> list[Finding]:
    run = make_run(loss=[1.0], events=[LOADER])
    run.workers = [
        Worker(i, (1, i % groups), {"dataset.rng": state}, frozenset(drawn))
        for i, state in enumerate(states)
    ]
    return list(CHECK.review(run))


def test_equal_states() -> None:
    (finding,) = found(*[7] * COUNT)
    assert finding.where.site == Site("train.py", 12)
    assert finding.summary == (
        f"all {COUNT} workers of a DataLoader began with the same state of the generator "
        "`dataset.rng`, which the data set draws from"
    )


def test_what_is_not_shared() -> None:
    assert found(*[7] * (COUNT - 1)) == []
    assert found(7, 8) == []
    assert found(7, 7, drawn=()) == []
    assert found(7, 7, groups=2) == [], "one after the other"


def test_workers_that_wrote_nothing() -> None:
    run = make_run(loss=[1.0], events=[LOADER])
    assert CHECK.why_skipped(run) == "the workers of a DataLoader wrote nothing"
    run.all_events = [Event("loader", 0, {"workers": 0})]
    assert CHECK.why_skipped(run) is None


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
