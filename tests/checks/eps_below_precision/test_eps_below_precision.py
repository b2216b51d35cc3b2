"""Unit tests of `eps-below-precision`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.precision.eps_below_precision import EpsBelowPrecision
from assay.journal.view import Parameter
from assay.testing import make_run, make_training

CHECK = EpsBelowPrecision()


def found(optimizer: str = "Adam", dtype: str = "float16", **settings: Any) -> list[Finding]:
    group = {"eps": 1e-8, "parameters": ("0.weight",), **settings}
    training = make_training(
        optimizer=optimizer, groups=[group], loss=[1.0], learning_rate={"group 0": [0.1]}
    )
    run = make_run(training)
    run.parameters.append(Parameter("0.weight", (2, 2), dtype))
    return list(CHECK.review(run))


def test_an_eps_that_is_zero() -> None:
    (finding,) = found()
    assert finding.summary == (
        "Adam has an eps of 1e-08, which is 0 in float16, as 1 of the 1 parameters of its group are"
    )


def test_at_the_limit() -> None:
    assert len(found(eps=2.0**-25)) == 1  # a tie goes to even, and that is 0
    assert found(eps=2.0**-24) == []


@pytest.mark.parametrize(
    "facts",
    [
        {"dtype": "bfloat16"},
        {"dtype": "float32"},
        {"optimizer": "SGD"},
        {"fused": True},
        {"eps": None},
        {"eps": math.nan},
        {"parameters": ()},
    ],
)
def test_right_ones_are_silent(facts: dict[str, Any]) -> None:
    assert found(**facts) == []


def test_nothing_recorded() -> None:
    assert list(CHECK.review(make_run(loss=[]))) == []
