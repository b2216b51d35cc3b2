"""Unit tests of `output-collapsed`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.model.output_collapsed import OutputCollapsed
from assay.journal.view import Event, Module, Parameter, RunView, Site
from assay.testing import make_run

CHECK = OutputCollapsed()
LIMIT, LATE, STEPS = CHECK.limit("spread"), int(CHECK.limit("late")), int(CHECK.limit("steps"))
LINE, BUILT = Site("net.py", 12, "forward"), Site("net.py", 5)


def run_of(
    spread: dict[int, float], *, used: float = 1.0, steps: int = STEPS, **more: Any
) -> RunView:
    line = [LINE.file, LINE.line, LINE.function]
    data = {"operation": "native_layer_norm", "line": line}
    events = [Event("answers_alike", 0, data, Site("train.py", 30))]
    return make_run(
        steps=steps, events=events, answer_spread=spread, input_used={"x": [used, used]}, **more
    )


def findings(run: RunView) -> list[Finding]:
    return list(CHECK.review(run))


def test_reported_at_the_limit_and_not_above() -> None:
    (finding,) = findings(run_of({LATE: LIMIT}))
    assert finding.where.site == LINE
    assert findings(run_of({LATE: LIMIT * 1.01})) == []


@pytest.mark.parametrize("early", [{}, {LATE - 1: 0.0}, {LATE: math.nan}])
def test_silent_without_a_late_measurement(early: dict[int, float]) -> None:
    run = run_of(early)
    assert findings(run) == []
    if not early or LATE - 1 in early:
        assert "not compared" in str(CHECK.why_not(run, run.trainings[0]))


def test_silent_where_answers_differed_once_or_the_run_is_short() -> None:
    assert findings(run_of({LATE: 0.0, LATE + 9: 1.0})) == []
    assert findings(run_of({LATE: 0.0}, steps=STEPS - 1)) == []


def test_silent_where_no_input_is_used_which_another_check_says() -> None:
    assert findings(run_of({LATE: 0.0}, used=0.0)) == []


def test_a_norm_over_one_number_is_named_with_the_line_that_built_it() -> None:
    norm = Module("head.norm", "LayerNorm", site=BUILT)
    one = Parameter("head.norm.weight", (1,))
    (finding,) = findings(run_of({LATE: 0.0}, modules=(norm,), parameters=(one,)))
    assert finding.where.site == BUILT
    wide = Parameter("head.norm.weight", (2,))
    (finding,) = findings(run_of({LATE: 0.0}, modules=(norm,), parameters=(wide,)))
    assert finding.where.site == LINE
