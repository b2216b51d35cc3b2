"""Unit tests of `data-changed-in-place`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.data.data_changed_in_place import DataChangedInPlace
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = DataChangedInPlace()
PASSES = int(CHECK.limit("passes"))
LINE = Site("train.py", 30)


def found(*names: str, workers: int = 0) -> list[Finding]:
    events = [Event("loader", 0, {"grad": True, "workers": workers, "built": None})]
    events += [
        Event(
            "data_changed", i,
            {"dataset": "Rows", "name": name, "passed": i + 1, "before": 5.0, "after": 0.5}, LINE,
        )
        for i, name in enumerate(names)
    ]  # fmt: skip
    return list(CHECK.review(make_run(loss=[1.0], events=events)))


def test_at_the_limit() -> None:
    (finding,) = found(*["data"] * PASSES)
    assert (finding.severity, finding.where.site) == ("error", LINE)
    assert finding.summary == (
        f"reading changed `Rows.data` in {PASSES} passes: the numbers that were read had a mean "
        f"size of 5 in pass 1 and 0.5 after pass {PASSES}"
    )
    assert found(*["data"] * (PASSES - 1)) == []
    assert found("data", "cache") == []
    assert found() == []


def test_workers_read_from_copies() -> None:
    assert found(*["data"] * PASSES, workers=2) == []


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
