"""Unit tests of `loader-starves`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.data.loader_starves import LoaderStarves
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = LoaderStarves()
SAMPLES = int(CHECK.limit("samples"))
TIMES, SECONDS = CHECK.limit("times"), CHECK.limit("seconds")


def found(wait: float, work: float, samples: int = SAMPLES) -> list[Finding]:
    data = {"grad": True, "workers": 0, "built": ["train.py", 9, ""]}
    run = make_run(
        data_wait_s=[wait] * samples,
        forward_s=[work / 2] * samples,
        backward_s=[work / 2] * samples,
        events=[Event("loader", 0, data)],
    )
    return list(CHECK.review(run))


def test_at_the_limit() -> None:
    (finding,) = found(0.3, 0.3 / TIMES)
    assert (finding.severity, finding.where.site) == ("note", Site("train.py", 9))
    assert finding.summary == (
        "the loop waited 300 ms for a batch and computed for 100 ms (medians of "
        f"{SAMPLES} iterations), with 0 workers"
    )
    assert found(0.299, 0.3 / TIMES) == []
    assert len(found(SECONDS, 0.0)) == 1
    assert found(SECONDS * 0.99, 0.0) == []
    assert found(0.3, 0.0, SAMPLES - 1) == []
    assert found(math.nan, 0.0) == []


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
