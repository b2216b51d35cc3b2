"""Unit tests of `l2-with-adaptive`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.optimizer.l2_with_adaptive import L2WithAdaptive
from assay.testing import make_run, make_training

CHECK = L2WithAdaptive()


def found(decay: Any = 0.05, optimizer: str = "Adam", **settings: Any) -> list[Finding]:
    training = make_training(
        optimizer=optimizer,
        groups=[{"weight_decay": decay, **settings}],
        loss=[1.0],
        learning_rate={"group 0": [0.1]},
    )
    return list(CHECK.review(make_run(training)))


def test_decay_in_the_gradient_of_adam() -> None:
    (finding,) = found()
    assert finding.severity == "note"
    assert finding.summary == (
        "Adam has a weight decay of 0.05, which it adds to the gradient and divides by its size"
    )


def test_at_the_limit() -> None:
    assert len(found(0.01)) == 1
    assert found(0.0099) == []


@pytest.mark.parametrize(
    "facts",
    [
        {"optimizer": "AdamW"},
        {"optimizer": "SGD"},
        {"decoupled_weight_decay": True},
        {"decay": None},
        {"decay": math.nan},
    ],
)
def test_right_ones_are_silent(facts: dict[str, Any]) -> None:
    assert found(**facts) == []


def test_nothing_recorded() -> None:
    assert list(CHECK.review(make_run(loss=[]))) == []
