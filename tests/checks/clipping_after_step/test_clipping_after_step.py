"""Unit tests of `clipping-after-step`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.optimizer.clipping_after_step import ClippingAfterStep
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run

CHECK = ClippingAfterStep()
LINE, OTHER = Site("train.py", 20), Site("train.py", 30)


def clips(calls: int = 8, line: Site = LINE, **facts: Any) -> Event[Any]:
    usual = {"of": "norm", "limit": 1.0, "used": calls, "empty": 0, "larger": calls}
    return Event("clipping", calls, {**usual, "calls": calls, **facts}, line)


def found(*events: Event[Any]) -> list[Finding]:
    run: RunView = make_run(loss=[1.0] * 9, events=events)
    return list(CHECK.review(run))


def test_used_gradients() -> None:
    (finding,) = found(clips(4), clips(8))
    assert (finding.where.site, finding.severity) == (LINE, "warning")
    assert finding.summary == (
        "each of the 8 calls looked at clipped a gradient after the step had used it"
    )


def test_at_the_limit() -> None:
    assert found(clips(7)) == []
    assert len(found(clips(8))) == 1
    assert found(clips(8, limit=1e6)) == []
    assert found(clips(8, limit=math.inf)) == []
    assert found(clips(8, limit="inf")) == []  # as a journal has it


def test_before_there_are_any() -> None:
    (finding,) = found(clips(8, used=0, empty=8, larger=0))
    assert finding.severity == "warning"
    assert finding.summary.endswith("clipped a gradient before there was one")


def test_where_no_gradient_was_large_it_did_no_harm() -> None:
    assert found(clips(8, larger=0))[0].severity == "note"
    assert found(clips(8, larger=0, of="value"))[0].severity == "warning"


@pytest.mark.parametrize(
    "events",
    [
        (),
        (clips(8, used=7),),
        (clips(8), clips(8, OTHER, used=0)),  # that line clips in time
    ],
)
def test_right_ones_are_silent(events: tuple[Event[Any], ...]) -> None:
    assert found(*events) == []
