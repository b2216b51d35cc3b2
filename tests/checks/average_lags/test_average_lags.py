"""Unit tests of `average-lags`, on invented runs of 300 steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from assay.checks.finding import Finding
from assay.checks.schedule.average_lags import AverageLags
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run, make_training

CHECK = AverageLags()
BUILT, CALLED = ["train.py", 9, "main"], Site("train.py", 40)


def run(
    shares: Sequence[float], *, aside: float = 0.1, every: int = 100, steps: int = 300,
    built: bool = True,
) -> RunView:  # fmt: skip
    at = {every * (i + 1): share for i, share in enumerate(shares)}
    training = make_training(
        average_progress={"AveragedModel": at},
        average_aside={"AveragedModel": dict.fromkeys(at, aside)},
        steps=steps,
    )
    data = {"of": "AveragedModel", "line": BUILT if built else None}
    return make_run(training, events=[Event("average", 100, data, CALLED)])


def found(view: RunView) -> list[Finding]:
    return list(CHECK.review(view))


def test_at_the_limit_of_progress() -> None:
    (finding,) = found(run([0.1, 0.3, 0.49]))
    assert (finding.where.site, finding.severity) == (Site("train.py", 9, "main"), "error")
    assert (
        "AveragedModel that was evaluated at step 300 had come 49.0% of the way" in finding.summary
    )
    assert found(run([0.1, 0.3, 0.5])) == []
    assert found(run([0.1, 0.3, 0.49], built=False))[0].where.site == CALLED


@pytest.mark.parametrize(
    "view",
    [
        run([0.0, 0.0, 0.0]),  # the first weights, to compare with
        run([0.4, 0.3, 0.2]),  # a better state that was kept
        run([0.1, 0.3, 0.2]),
        run([0.1, 0.2]),
        run([0.1, 0.2, 0.3], aside=0.5),  # trained elsewhere
        run([0.1, 0.2, 0.3], steps=601),  # nothing was evaluated later
        run([0.1, 0.2, 0.3], every=10, steps=49),
        run([math.nan] * 3),
        run([]),
    ],
)
def test_what_stays_silent(view: RunView) -> None:
    assert found(view) == []


def test_at_the_limits_of_the_run() -> None:
    assert len(found(run([0.1, 0.2, 0.3], aside=0.49))) == 1
    assert len(found(run([0.1, 0.2, 0.3], steps=600))) == 1
    assert len(found(run([0.4, 0.1, 0.2, 0.3]))) == 1  # it began a step later
    assert len(found(run([0.1, 0.2, 0.3], every=10, steps=50))) == 1
