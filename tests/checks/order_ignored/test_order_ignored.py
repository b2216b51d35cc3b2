"""Unit tests of `order-ignored`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.finding import Finding
from assay.checks.model.order_ignored import OrderIgnored
from assay.testing import make_run

CHECK = OrderIgnored()
LIMIT, STEPS = CHECK.limit("change"), int(CHECK.limit("steps"))


def findings(*changes: float, steps: int = STEPS, mixed: float = 0.0) -> list[Finding]:
    run = make_run(steps=steps, order_change=list(changes), sample_order_change=[mixed])
    return list(CHECK.review(run))


def test_reported_up_to_the_limit_and_not_above() -> None:
    assert len(findings(0.0, LIMIT)) == 1
    assert findings(0.0, LIMIT * 1.01) == []


@pytest.mark.parametrize("changes", [[], [0.0], [0.0, math.nan]])
def test_two_measurements_are_needed(changes: list[float]) -> None:
    assert findings(*changes) == []


def test_silent_in_a_short_run_and_where_samples_are_mixed() -> None:
    assert findings(0.0, 0.0, steps=STEPS - 1) == []
    assert findings(0.0, 0.0, mixed=0.5) == []
