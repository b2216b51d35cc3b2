"""Unit tests of `single-logit-softmax`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.loss.single_logit_softmax import SingleLogitSoftmax
from assay.journal.view import Event, Module, Site
from assay.testing import make_run

CHECK = SingleLogitSoftmax()
LINE = Site("train.py", 31, "<module>")
PLACE = "binary_cross_entropy (train.py:31)"


def given(made_by: str, **more: Any) -> Event[Any]:
    facts = {"fn": "binary_cross_entropy", "place": PLACE, "argument": "input", "made_by": made_by,
             "over": None, "size": None, "shape": [32, 4], "setting": None, **more}  # fmt: skip
    return Event("loss_given", 0, facts, LINE)


def found(*events: Event[Any], **signals: Any) -> list[Any]:
    return list(CHECK.review(make_run(events=events, **signals)))


@pytest.mark.parametrize("made_by", ["softmax", "log_softmax"])
def test_a_softmax_over_one_number_is_found(made_by: str) -> None:
    (finding,) = found(given(made_by, over=1, size=1, shape=[32, 1]))
    assert finding.where.site == LINE
    assert "taken over 1 number" in finding.summary


@pytest.mark.parametrize(
    "events",
    [
        [("softmax", 2)],
        [("softmax", 1), ("softmax", 5)],  # a list of one now and then
        [("softmax", 1), ("linear", None)],
        [("sigmoid", None)],
        [("softmax", None)],
    ],
)
def test_others_are_silent(events: list[tuple[str, int | None]]) -> None:
    assert found(*(given(kind, over=1, size=size) for kind, size in events)) == []


def call(*shape: int) -> Event[Any]:
    facts = {"fn": "cross_entropy", "place": PLACE, "input": {"shape": list(shape), "dtype": ""}}
    return Event("loss_call", 0, facts, LINE)


@pytest.mark.parametrize(
    ("shapes", "count"),
    [([(32, 1)], 1), ([(32, 2)], 0), ([(32, 1), (32, 4)], 0), ([(32, 1, 9)], 1), ([(1,)], 1)],
)
def test_cross_entropy_of_one_class(shapes: list[tuple[int, ...]], count: int) -> None:
    event = given("linear", fn="cross_entropy", shape=list(shapes[0]))
    assert len(found(event, *(call(*shape) for shape in shapes))) == count
    assert not math.isnan(CHECK.limit("numbers"))


def test_the_line_is_that_of_the_softmax_where_it_was_seen() -> None:
    facts: Any = {"over": 1, "size": 1, "line": ["net.py", 7, "forward"], "module": "last"}
    dims = {"log_probability_dims": {PLACE: [1.0]}}
    (finding,) = found(given("log_softmax", **facts), **dims)
    assert finding.where.site == Site("net.py", 7, "forward")
    run = make_run(
        events=[given("log_softmax", **facts)],
        modules=[Module("last", "LogSoftmax", site=Site("net.py", 3))],
        **dims,
    )
    assert next(CHECK.review(run)).where.site == Site("net.py", 3)
