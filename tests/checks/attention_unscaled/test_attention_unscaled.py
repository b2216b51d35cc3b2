"""Unit tests of `attention-unscaled`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.finding import Finding
from assay.checks.model.attention_unscaled import AttentionUnscaled
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = AttentionUnscaled()
LIMIT, WIDTH = CHECK.limit("spread"), int(CHECK.limit("width"))
LINE = Site("net.py", 12, "forward")


def findings(*spreads: float, width: int = 64) -> list[Finding]:
    data = {"width": width, "line": [LINE.file, LINE.line, LINE.function]}
    events = [Event("scores_unscaled", 0, data, Site("train.py", 30))]
    return list(CHECK.review(make_run(events=events, unscaled_scores=list(spreads))))


@pytest.mark.parametrize("spreads", [[], [0.0], [LIMIT * 0.99], [math.nan]])
def test_silent_below_the_limit(spreads: list[float]) -> None:
    assert findings(*spreads) == []


def test_reported_from_the_limit_on_with_the_line_of_the_scores() -> None:
    (finding,) = findings(LIMIT)
    assert finding.where.site == LINE
    assert "divide them by 8" in finding.try_[0]


def test_the_first_measurement_counts_what_is_learnt_later_is_no_fault() -> None:
    assert findings(0.5, 9.0) == []


def test_silent_for_few_numbers_and_where_no_scores_were_found() -> None:
    assert findings(LIMIT, width=WIDTH - 1) == []
    assert list(CHECK.review(make_run(unscaled_scores=[9.0]))) == []
