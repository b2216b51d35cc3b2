"""Unit tests of `order-ignored`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.finding import Finding
from assay.checks.model.order_ignored import OrderIgnored
from assay.journal.view import Event, Module, Site
from assay.testing import make_run

CHECK = OrderIgnored()
LIMIT, STEPS = CHECK.limit("change"), int(CHECK.limit("steps"))


BUILT, USED = Site("net.py", 5), Site("net.py", 12, "forward")


def findings(
    *changes: float, steps: int = STEPS, mixed: float = 0.0, used: bool = True
) -> list[Finding]:
    line = [USED.file, USED.line, USED.function] if used else None
    data = {"name": "pos.weight", "line": line}
    run = make_run(
        steps=steps,
        events=[Event("positions_without_effect", 0, data, Site("train.py", 30))],
        modules=[Module("pos", "Embedding", site=BUILT)],
        order_change=list(changes),
        sample_order_change=[mixed],
    )
    return list(CHECK.review(run))


def test_the_line_is_that_of_use_else_of_building() -> None:
    assert findings(0.0, 0.0)[0].where.site == USED
    assert findings(0.0, 0.0, used=False)[0].where.site == BUILT


def test_reported_up_to_the_limit_and_not_above() -> None:
    assert len(findings(0.0, LIMIT)) == 1
    assert findings(0.0, LIMIT * 1.01) == []


@pytest.mark.parametrize("changes", [[], [0.0], [0.0, math.nan]])
def test_two_measurements_are_needed(changes: list[float]) -> None:
    assert findings(*changes) == []


def test_silent_in_a_short_run_and_where_samples_are_mixed() -> None:
    assert findings(0.0, 0.0, steps=STEPS - 1) == []
    assert findings(0.0, 0.0, mixed=0.5) == []
