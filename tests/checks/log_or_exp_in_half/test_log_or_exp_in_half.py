"""Unit tests of `log-or-exp-in-half`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.precision.log_or_exp_in_half import LogOrExpInHalf
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = LogOrExpInHalf()
LINE = Site("train.py", 20)


def found(kind: str = "log", loss: Any = (1.0, math.nan), **data: Any) -> list[Finding]:
    facts = {"kind": kind, "op": "Log", "dtype": "float16", "share": 0.25,
             "line": ["train.py", 20, ""], **data}  # fmt: skip
    events = [Event("half_range", 1, facts, Site("train.py", 30), training=0)]
    return list(CHECK.review(make_run(make_training(loss=list(loss)), events=events)))


def test_a_logarithm_of_zero() -> None:
    (finding,) = found()
    assert finding.where.site == LINE
    assert finding.summary == (
        "`Log` was given 25.00% zeros at step 1, in float16, which below 6e-08 is all 0"
    )
    assert found(dtype="bfloat16")[0].summary == (
        "`Log` was given 25.00% zeros at step 1, in bfloat16"
    )


def test_an_exponential_that_is_infinite() -> None:
    (finding,) = found("exp", op="Exp")
    assert finding.summary == "25.00% of the result of `Exp` was infinite at step 1, in float16"


@pytest.mark.parametrize("loss", [(), (1.0,), (math.nan,)])
def test_other_kinds_are_silent(loss: tuple[float, ...]) -> None:
    assert found("overflow", loss) == []
    assert list(CHECK.review(make_run(loss=loss))) == []
