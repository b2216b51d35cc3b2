"""Unit tests of `input-wrong-dtype`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.data.input_wrong_dtype import InputWrongDtype
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = InputWrongDtype()
SHARE = CHECK.limit("share")


def findings(how: str, share: float = SHARE, count: float = 1.0, **facts: Any) -> list[Finding]:
    data = {"how": how, "before": "float32", "after": "int64", "share": share, "low": 0.1,
            "high": 0.9, "line": ["train.py", 9, ""]}  # fmt: skip
    events = [Event("cast_loses", 0, {**data, **facts}, Site("train.py", 20))]
    return list(CHECK.review(make_run(loss=[1.0] * 5, lossy_casts=[count], events=events)))


@pytest.mark.parametrize(
    ("how", "facts", "said"),
    [
        ("fractions", {}, "5% of the numbers, from 0.1 to 0.9, lost their fraction as float32 be"),
        ("all one", {}, "float32 became int64, and all became one number"),
        ("ids", {"before": "float16", "high": 5000.0}, "5% of the ids came as float16, above what"),
        ("wrapped", {"after": "uint8", "low": -128.0}, "uint8 did not fit: they lie between -128"),
    ],
)
def test_what_is_lost_is_told(how: str, facts: dict[str, Any], said: str) -> None:
    (finding,) = findings(how, **facts)
    assert said in finding.summary
    assert finding.where.site == Site("train.py", 9)
    assert finding.try_


def test_silent_below_the_limit_and_where_nothing_was_found() -> None:
    assert findings("wrapped", SHARE * 0.99) == []
    assert list(CHECK.review(make_run(loss=[1.0] * 5, lossy_casts=[0.0]))) == []


def test_the_line_of_the_backward_pass_where_the_cast_has_none() -> None:
    (finding,) = findings("fractions", line=None)
    assert finding.where.site == Site("train.py", 20)


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
