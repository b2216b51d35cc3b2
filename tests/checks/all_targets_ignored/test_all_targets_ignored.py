"""Unit tests of `all-targets-ignored`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.loss.all_targets_ignored import AllTargetsIgnored
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = AllTargetsIgnored()
BACKWARD, LINE = Site("train.py", 30), Site("train.py", 20, "loss")
NAN = math.nan


def found(loss: list[float], *, step: int = 1, **data: Any) -> list[Finding]:
    usual = {"kind": "masked", "operation": "Div", "of": 24, "ignored": None, "rows": None}
    data = {**usual, "line": ["train.py", 20, "loss"], **data}
    event = Event("nothing_counted", step, data, BACKWARD, training=0)
    return list(CHECK.review(make_run(loss=loss, events=[event])))


def test_weights_that_are_lost() -> None:
    (finding,) = found([1.0, NAN, NAN])
    assert (finding.severity, finding.steps, finding.where.site) == ("error", (1, 1), LINE)
    assert finding.summary == (
        "the mask was 0 at all 24 places in the batch of step 1: the mean over it was 0/0"
    )


def test_training_that_goes_on_is_a_warning() -> None:
    (finding,) = found([1.0, NAN, 0.9])
    assert finding.severity == "warning"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"kind": "ignored", "ignored": -100}, "all 24 targets had the ignored value -100"),
        ({"kind": "selected"}, "a selection took none of 24 elements"),
        ({"rows": [2, 8]}, "the mask was 0 everywhere in 2 of 8 rows"),
    ],
)
def test_what_left_nothing_is_said(data: dict[str, Any], words: str) -> None:
    (finding,) = found([1.0, NAN], **data)
    assert finding.summary.startswith(words)


def test_without_a_known_line_the_backward_pass_is_named() -> None:
    (finding,) = found([NAN], step=0, line=None)
    assert finding.where.site == BACKWARD


def test_a_batch_that_no_step_was_taken_with_is_silent() -> None:
    assert found([1.0, 0.9, 0.8]) == []
    assert found([1.0]) == []


def test_an_empty_batch_is_another_check() -> None:
    assert found([1.0, NAN], kind="empty", of=None) == []


def call(share: float, loss: float, **data: Any) -> list[Finding]:
    place = "cross_entropy (train.py:20)"
    data = {"fn": "cross_entropy", "place": place, "ignore_index": -100, "reduction": "mean",
            "in_graph": True, **data}  # fmt: skip
    run = make_run(
        loss=[1.0, loss],
        target_counted_share={place: {0: 1.0, 1: share}},
        events=[Event("loss_call", 0, data, LINE)],
    )
    return list(CHECK.review(run))


def test_sampled_calls_tell_where_no_graph_does() -> None:
    (finding,) = call(0.0, NAN)
    assert finding.where.site == LINE
    assert call(0.01, NAN) == []
    assert call(0.0, 0.5) == []
    assert call(0.0, NAN, reduction="none") == []


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
