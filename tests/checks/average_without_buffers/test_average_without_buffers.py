"""Unit tests of `average-without-buffers`, on invented runs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from assay.checks.finding import Finding
from assay.checks.schedule.average_without_buffers import AverageWithoutBuffers
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run, make_training

CHECK = AverageWithoutBuffers()
CALLED = Site("train.py", 40)


def run(statistics: Sequence[float], progress: float = 0.9, every: int = 100) -> RunView:
    at = {every * (i + 1): share for i, share in enumerate(statistics)}
    training = make_training(
        average_statistics={"Net": at}, average_progress={"Net": dict.fromkeys(at, progress)}
    )
    event = Event("average", 100, {"of": "Net", "line": None}, CALLED)
    return make_run(training, events=[event])


def found(view: RunView) -> list[Finding]:
    return list(CHECK.review(view))


def test_statistics_that_never_moved() -> None:
    (finding,) = found(run([0.0, 0.0]))
    assert (finding.where.site, finding.severity) == (CALLED, "error")
    assert finding.summary == (
        "the running statistics of batch norm in the Net that was evaluated at step 200 were those "
        "of the start, while its weights had come 90.0% of the way to the trained ones"
    )


@pytest.mark.parametrize(
    "view",
    [
        run([0.0, 1e-6]),
        run([1.0]),
        run([0.0], progress=1e-3),  # a copy of the first weights
        run([0.0], every=19),
        run([math.nan]),
        run([]),
    ],
)
def test_what_stays_silent(view: RunView) -> None:
    assert found(view) == []


def test_at_the_limits() -> None:
    assert len(found(run([0.0], progress=1.1e-3))) == 1
    assert len(found(run([0.0], every=20))) == 1
