"""Unit tests of `fp16-overflow`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.precision.fp16_overflow import Fp16Overflow
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = Fp16Overflow()
LINE = Site("train.py", 20)


def found(kind: str = "overflow", loss: Any = (1.0, math.nan), **data: Any) -> list[Finding]:
    facts = {"kind": kind, "op": "Mul", "dtype": "float16", "share": 0.25,
             "line": ["train.py", 20, ""], **data}  # fmt: skip
    events = [Event("half_range", 1, facts, Site("train.py", 30), training=0)]
    return list(CHECK.review(make_run(make_training(loss=list(loss)), events=events)))


def test_a_product_beyond_float16() -> None:
    (finding,) = found()
    assert finding.where.site == LINE
    assert finding.summary == (
        "25.00% of the result of `Mul` was beyond 65,504 at step 1: infinite in float16, while all "
        "weights were finite"
    )


def test_at_the_limit() -> None:
    assert len(found(loss=(1.0, 2.0))) == 1
    assert len(found(loss=(2.0, math.nan))) == 1
    run = make_run(make_training(loss=[1.0, 2.01, math.nan]))
    facts = {"kind": "overflow", "op": "Mul", "dtype": "float16", "share": 1.0, "line": None}
    run.all_events.append(Event("half_range", 2, facts, LINE, training=0))
    assert list(CHECK.review(run)) == []  # it had diverged


def test_without_a_line_the_loss_is_named() -> None:
    assert found(line=None)[0].where.site == Site("train.py", 30)


@pytest.mark.parametrize("kind", ["log", "exp"])
def test_other_kinds_are_silent(kind: str) -> None:
    assert found(kind) == []
    assert list(CHECK.review(make_run(loss=[]))) == []
    assert list(CHECK.review(make_run(loss=[math.nan]))) == []
