"""Unit tests of `padding-mask-ignored`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.finding import Finding
from assay.checks.model.padding_mask_ignored import PaddingMaskIgnored
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = PaddingMaskIgnored()
LIMIT = CHECK.limit("change")
LINE = Site("net.py", 12, "forward")


def findings(*changes: float, told: bool = False, by: str = "softmax") -> list[Finding]:
    line = [LINE.file, LINE.line, LINE.function]
    data = {"operation": by, "line": line, "told": told}
    events = [Event("padding_read", 0, data, Site("train.py", 30))]
    return list(CHECK.review(make_run(events=events, padding_change=list(changes))))


@pytest.mark.parametrize("changes", [[], [0.0], [LIMIT], [math.nan]])
def test_silent_up_to_the_limit(changes: list[float]) -> None:
    assert findings(*changes) == []


@pytest.mark.parametrize("told", [True, False])
def test_reported_above_it_on_the_line_of_the_operation(told: bool) -> None:
    (finding,) = findings(LIMIT * 1.01, 0.0, told=told)
    assert finding.where.site == LINE
    assert ("is told" in finding.summary) is told


def test_an_answer_that_is_read_in_the_padding_is_told_so() -> None:
    (finding,) = findings(LIMIT * 2, by="select")
    assert "read at one place of each row, where shorter ones are padded" in finding.summary


def test_a_mean_over_all_places_is_a_note() -> None:
    data = {"operation": "mean", "line": None, "told": False}
    events = [Event("padding_read", 0, data, Site("train.py", 30))]
    (finding,) = CHECK.review(make_run(events=events, padding_change=[0.5]))
    assert finding.severity == "note"


def test_without_an_operation_no_line_is_named() -> None:
    (finding,) = CHECK.review(make_run(padding_change=[0.5]))
    assert finding.where.site is None
