"""Unit tests of `input-ignored`, on invented runs."""

from __future__ import annotations

import pytest

from assay.checks.finding import Finding
from assay.checks.model.input_ignored import InputIgnored
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = InputIgnored()
ENOUGH = int(CHECK.limit("steps"))
FORWARD = Site("net.py", 12, "forward")


def findings(**used: list[float]) -> list[Finding]:
    line = [FORWARD.file, FORWARD.line, FORWARD.function]
    events = [
        Event("input_unused", 0, {"place": place, "line": line}, Site("train.py", 30))
        for place in used
    ]
    return list(CHECK.review(make_run(events=events, input_used=used)))


def test_reported_at_the_limit_and_not_below() -> None:
    assert findings(x=[1.0] * ENOUGH, t=[0.0] * (ENOUGH - 1)) == []
    (finding,) = findings(x=[1.0] * ENOUGH, t=[0.0] * ENOUGH)
    assert "`t`" in finding.summary
    assert finding.where.site == FORWARD


@pytest.mark.parametrize("used", [[1.0, 1.0], [0.0, 1.0, 0.0], []])
def test_silent_for_what_is_used_now_and_then(used: list[float]) -> None:
    assert findings(x=[1.0, 1.0, 1.0], t=used) == []


@pytest.mark.parametrize(
    ("used", "severities"),
    [
        ({"x": [0.0, 0.0], "t": [1.0, 1.0]}, ["error"]),
        ({"x": [1.0, 1.0], "t": [0.0, 0.0]}, ["warning"]),
        ({"x": [0.0, 0.0], "t": [0.0, 0.0]}, ["error", "error"]),
    ],
)
def test_an_error_for_the_first_input_or_all(
    used: dict[str, list[float]], severities: list[str]
) -> None:
    assert [finding.severity for finding in findings(**used)] == severities
