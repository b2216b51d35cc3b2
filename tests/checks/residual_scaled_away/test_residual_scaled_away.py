"""Unit tests of `residual-scaled-away`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.finding import Finding
from assay.checks.model.residual_scaled_away import ResidualScaledAway
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = ResidualScaledAway()
LIMIT, SUMS = CHECK.limit("factor"), int(CHECK.limit("sums"))
LINE = Site("net.py", 12, "forward")


def findings(*factors: float, how: str = "a constant", count: int = SUMS) -> list[Finding]:
    data = {"how": how, "count": count, "line": [LINE.file, LINE.line, LINE.function]}
    events = [Event("residual_scaled", 0, data, Site("train.py", 30))]
    return list(CHECK.review(make_run(events=events, residual_factor=list(factors))))


@pytest.mark.parametrize("factors", [[], [1.0], [LIMIT], [math.nan]])
def test_silent_from_the_limit_on(factors: list[float]) -> None:
    assert findings(*factors) == []


def test_reported_below_it_with_the_line_of_the_sum() -> None:
    (finding,) = findings(LIMIT * 0.99)
    assert finding.where.site == LINE


def test_a_single_sum_may_be_scaled_by_a_constant_but_not_dropped() -> None:
    assert findings(0.1, count=SUMS - 1) == []
    (finding,) = findings(0.0, how="a random mask", count=1)
    assert "whole samples" in finding.summary


def test_silent_where_no_sum_was_found() -> None:
    assert list(CHECK.review(make_run(residual_factor=[0.1]))) == []
