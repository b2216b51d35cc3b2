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


def idle_run(loss: float, share: float = SHARE) -> RunView:
    """A run of two classes whose loss stands, and whose dropout costs nothing."""
    call = {
        "fn": "cross_entropy", "place": "the loss", "reduction": "mean",
        "input": {"shape": [32, 2], "dtype": "float32"},
        "target": {"shape": [32], "dtype": "int64"},
    }  # fmt: skip
    return make_run(
        events=[Event("loss_call", 0, call, Site("train.py", 20))],
        loss=[loss] * 100,
        loss_call_value={"the loss": [loss] * 100},
        label_count={"0": [16.0] * 100, "1": [16.0] * 100},
        learning_rate={"group 0": [0.1] * 100},
        dropout_share=[share] * 2,
        dropout_gap=[0.0] * 2,
    )


def test_where_little_is_learnt_its_share_is_enough() -> None:
    (finding,) = findings(idle_run(CHECK.limit("little") * math.log(2) + 1e-6))
    assert "a constant prediction has 0.6931" in finding.summary
    assert findings(idle_run(CHECK.limit("little") * math.log(2) - 1e-6)) == []
    assert findings(idle_run(math.log(2), SHARE - 0.01)) == []


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
