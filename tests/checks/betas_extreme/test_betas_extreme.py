"""Unit tests of `betas-extreme`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.optimizer.betas_extreme import BetasExtreme
from assay.testing import make_run, make_training

CHECK = BetasExtreme()


def found(optimizer: str, **settings: Any) -> list[Finding]:
    training = make_training(
        optimizer=optimizer, groups=[settings], loss=[1.0], learning_rate={"group 0": [0.1]}
    )
    return list(CHECK.review(make_run(training)))


def test_betas_the_wrong_way_round() -> None:
    (finding,) = found("AdamW", betas=[0.999, 0.9])
    assert finding.summary == (
        "AdamW has betas of (0.999, 0.9): beta1 is not below the root of beta2, 0.9487"
    )


def test_at_the_limits() -> None:
    assert len(found("Adam", betas=[0.9, 0.81])) == 1
    assert found("Adam", betas=[0.9, 0.8101]) == []
    assert len(found("SGD", momentum=1.0)) == 1
    assert found("SGD", momentum=0.9999) == []


@pytest.mark.parametrize(
    ("optimizer", "settings"),
    [
        ("Lion", {"betas": [0.99, 0.9]}),
        ("Adam", {"betas": [0.0, 0.0001]}),
        ("Adam", {"betas": [0.5, 0.999]}),
        ("Adam", {"betas": [None, 0.9]}),
        ("Adam", {"betas": None}),
        ("Adam", {}),
        ("SGD", {"momentum": None}),
        ("SGD", {"momentum": math.nan}),
        ("RMSprop", {"momentum": 1.0}),
    ],
)
def test_right_ones_are_silent(optimizer: str, settings: dict[str, Any]) -> None:
    assert found(optimizer, **settings) == []


def test_nothing_recorded() -> None:
    assert list(CHECK.review(make_run(loss=[]))) == []
