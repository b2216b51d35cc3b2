"""Unit tests of `no-sync-missing`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.distributed.no_sync_missing import NoSyncMissing
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = NoSyncMissing()


LINE = Site("train.py", 20)


def found(reduced: list[float], passes: list[float]) -> list[Finding]:
    training = make_training(reduced_passes=reduced, backward_passes=passes)
    events: list[Event[Any]] = [Event("backward", 0, {}, LINE)]
    return list(CHECK.review(make_run(training, events=events)))


def test_each_pass_is_averaged() -> None:
    (finding,) = found([4.0] * 10, [4.0] * 10)
    assert finding.where.site == LINE
    assert finding.summary.startswith(
        "all 4 backward passes of a step were averaged over the ranks"
    )
    assert len(found([2.0] * 9 + [1.0], [2.0] * 9 + [1.0])) == 1


@pytest.mark.parametrize(
    ("reduced", "passes"),
    [
        ([1.0] * 10, [4.0] * 10),
        ([1.0] * 10, [1.0] * 10),
        ([2.0] * 10, [1.0] * 10),  # one pass of two losses
        ([2.0] * 8 + [1.0] * 2, [2.0] * 8 + [1.0] * 2),
        ([], []),
    ],
)
def test_right_ones_are_silent(reduced: list[float], passes: list[float]) -> None:
    assert found(reduced, passes) == []
