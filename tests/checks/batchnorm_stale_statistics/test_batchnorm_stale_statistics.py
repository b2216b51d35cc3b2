"""Unit tests of `batchnorm-stale-statistics`, on invented runs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from assay.checks.model.batchnorm_stale_statistics import BatchnormStaleStatistics
from assay.journal.view import Module, RunView, Site
from assay.testing import make_run, make_training

CHECK = BatchnormStaleStatistics()


def run(
    ratio: Sequence[float],
    offset: Sequence[float],
    *,
    updates: float = 1000,
    momentum: float | None = 0.1,
    values: float = 64,
    rows: float = 64,
    evaluated: float = 0.0,
    steps: int = 100,
) -> RunView:
    count = len(ratio)
    training = make_training(
        steps=steps,
        norm_spread_ratio={"bn": ratio},
        norm_offset={"bn": offset},
        norm_values={"bn": [values] * count},
        norm_rows={"bn": [rows] * count},
        norm_updates={"bn": [updates] * count},
        eval_training_share={"Net": [evaluated]},
    )
    settings = {} if momentum is None else {"momentum": momentum}
    norm = Module("bn", "BatchNorm1d", site=Site("net.py", 4), settings=settings)
    return make_run(training, modules=[norm])


@pytest.mark.parametrize("ratio", [2.01, 0.49])
def test_a_deviation_that_is_off(ratio: float) -> None:
    (finding,) = CHECK.review(run([1.0, ratio, ratio, ratio, ratio], [0.1] * 5))
    assert finding.where.site == Site("net.py", 4)
    assert "momentum" not in finding.summary


def test_a_mean_that_is_off() -> None:
    assert list(CHECK.review(run([1.0] * 4, [1.51] * 4)))
    assert list(CHECK.review(run([1.0] * 4, [1.51] * 4, steps=30)))
    assert not list(CHECK.review(run([1.0] * 4, [1.51] * 4, steps=29))), "the start is in any norm"


@pytest.mark.parametrize(
    ("momentum", "updates", "severity"),
    [(0.1, 65, "note"), (0.1, 66, "warning"), (0.05, 134, "note"), (0.049, 100, "warning"),
     (None, 40, "warning")],
)  # fmt: skip
def test_a_short_run_has_not_forgotten_the_start(
    momentum: float | None, updates: float, severity: str
) -> None:
    (finding,) = CHECK.review(run([3.0] * 4, [0.1] * 4, momentum=momentum, updates=updates))
    assert finding.severity == severity


def test_limits_are_narrower_where_the_start_is_still_there() -> None:
    (finding,) = CHECK.review(run([1.31] * 4, [0.1] * 4, momentum=0.001, updates=500))
    assert "with momentum 0.001, 61% of that are those of the start" in finding.summary
    assert list(CHECK.review(run([1.0] * 4, [0.51] * 4, updates=8)))
    assert not list(CHECK.review(run([1.31] * 4, [0.51] * 4, updates=30)))
    assert not list(CHECK.review(run([1.31] * 4, [0.1] * 4, updates=8, evaluated=1.0)))
    assert not list(CHECK.review(run([1.31] * 4, [0.1] * 4, updates=8, momentum=None)))


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(run([], []), id="empty"),
        pytest.param(run([9.0], [9.0]), id="one sample"),
        pytest.param(run([math.nan] * 5, [math.nan] * 5), id="not a number"),
        pytest.param(run([1.99] * 4, [1.49] * 4), id="just under"),
        pytest.param(run([9.0] * 4, [9.0] * 4, values=15), id="few values"),
        pytest.param(run([9.0] * 4, [9.0] * 4, rows=3), id="few images"),
    ],
)
def test_other_runs_are_silent(view: RunView) -> None:
    assert list(CHECK.review(view)) == []
