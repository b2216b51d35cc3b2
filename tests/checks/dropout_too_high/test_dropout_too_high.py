"""Unit tests of `dropout-too-high`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.finding import Finding
from assay.checks.model.dropout_too_high import DropoutTooHigh
from assay.journal.view import Event, Module, RunView, Site
from assay.testing import make_run

CHECK = DropoutTooHigh()
SHARE, GAP = CHECK.limit("share"), CHECK.limit("gap")
CALLED, BUILT = Site("net.py", 12, "forward"), Site("net.py", 5)


def run_of(share: float, *gaps: float, modules: tuple[Module, ...] = ()) -> RunView:
    line = [CALLED.file, CALLED.line, CALLED.function]
    events = [Event("dropout_high", 0, {"share": share, "line": line}, Site("train.py", 30))]
    return make_run(
        events=events,
        modules=modules,
        dropout_share=[share] * max(len(gaps), 1),
        dropout_gap=list(gaps),
    )


def findings(run: RunView) -> list[Finding]:
    return list(CHECK.review(run))


def test_reported_at_both_limits_and_not_below() -> None:
    (finding,) = findings(run_of(SHARE, GAP, GAP))
    assert finding.where.site == CALLED
    assert findings(run_of(SHARE - 0.01, GAP, GAP)) == []
    assert findings(run_of(SHARE, GAP * 0.99, GAP * 0.99)) == []


def test_the_later_half_counts() -> None:
    assert findings(run_of(SHARE, 1.0, 1.0, 0.0, 0.0)) == []
    assert findings(run_of(SHARE, 0.0, 0.0, 0.0, 1.0))


@pytest.mark.parametrize("gaps", [(), (1.0,), (1.0, math.nan)])
def test_two_measurements_are_needed(gaps: tuple[float, ...]) -> None:
    run = run_of(SHARE, *gaps)
    assert findings(run) == []
    assert "twice" in str(CHECK.why_not(run, run.trainings[0]))


def test_a_module_of_this_share_is_named_with_the_line_that_built_it() -> None:
    drop = Module("drop", "Dropout", site=BUILT, settings={"p": 0.9})
    (finding,) = findings(run_of(0.9, 1.0, 1.0, modules=(drop,)))
    assert finding.where.site == BUILT
    (finding,) = findings(run_of(0.8, 1.0, 1.0, modules=(drop,)))
    assert finding.where.site == CALLED
