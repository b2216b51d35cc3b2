"""Unit tests of `causal-leak`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.model.causal_leak import CausalLeak
from assay.journal.view import Event, Module, Site
from assay.testing import make_run

CHECK = CausalLeak()
LIMIT = CHECK.limit("change")
LEAKS, BUILT = Site("net.py", 12, "forward"), Site("net.py", 5)


def findings(*changes: float, modules: tuple[Module, ...] = (), **found: Any) -> list[Finding]:
    line = [LEAKS.file, LEAKS.line, LEAKS.function]
    data = {"operation": "softmax", "line": line, **found}
    events = [Event("causal_leak", 0, data, Site("train.py", 30))]
    run = make_run(events=events, modules=modules, later_token_change=list(changes))
    return list(CHECK.review(run))


@pytest.mark.parametrize("change", [0.0, 1e-6, LIMIT, math.nan])
def test_silent_up_to_the_limit(change: float) -> None:
    assert findings(change) == []


def test_silent_without_a_measurement() -> None:
    assert findings() == []


def test_reported_above_it_on_the_line_of_the_operation() -> None:
    (finding,) = findings(LIMIT * 1.01)
    assert finding.where.site == LEAKS
    assert "`softmax`" in finding.summary


def test_the_last_measurement_counts() -> None:
    assert findings(0.5, 0.0) == []
    assert findings(0.0, 0.5)


@pytest.mark.parametrize("both", [True, False])
def test_a_bidirectional_layer_is_named_with_the_line_that_built_it(both: bool) -> None:
    built = Module("memory", "GRU", site=BUILT, settings={"bidirectional": both})
    (finding,) = findings(0.5, modules=(built,))
    assert finding.where.site == (BUILT if both else LEAKS)


def test_not_where_no_operation_was_found() -> None:
    run = make_run(later_token_change=[0.5])
    (finding,) = CHECK.review(run)
    assert finding.where.site is None
