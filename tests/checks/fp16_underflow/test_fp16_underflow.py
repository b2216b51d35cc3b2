"""Unit tests of `fp16-underflow`, on invented runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.precision.fp16_underflow import Fp16Underflow
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = Fp16Underflow()


def found(
    shares: Sequence[float], loss: Sequence[float] = (1.0, 0.9, 0.8), *, scaled: bool = False
) -> list[Finding]:
    training = make_training(
        loss=list(loss),
        grad_underflow_share={"": list(shares), "0.weight": [1.0] * len(shares)},
    )
    events: list[Event[Any]] = [Event("backward", 0, {}, Site("train.py", 12), training=0)]
    if scaled:
        events.append(Event("scaler", 0, {}, training=0))
    return list(CHECK.review(make_run(training, events=events)))


def test_most_of_the_gradient_is_lost() -> None:
    (finding,) = found([0.9, 0.8, 0.7])
    assert (finding.severity, finding.where.site) == ("error", Site("train.py", 12))
    assert finding.summary == (
        "80% of the gradient's elements were 0 in float16 and not with a larger loss, most of all "
        "of 0.weight (100%), the median of 3 samples: no GradScaler scales the loss"
    )
    assert [remedy.name for remedy in finding.tricks] == ["amp"]


def test_at_the_limits() -> None:
    assert found([CHECK.limit("some")] * 3) == []
    assert found([CHECK.limit("some") + 0.01] * 3)[0].severity == "warning"
    assert found([CHECK.limit("most")] * 3)[0].severity == "warning"
    assert found([CHECK.limit("most") + 0.01] * 3)[0].severity == "error"
    assert found([1.0]) == []  # one batch


def test_with_a_scaler_there_is_other_advice() -> None:
    (finding,) = found([1.0] * 3, scaled=True)
    assert "scaled too little" in finding.summary
    assert finding.tricks == ()


def test_what_is_lost_when_little_is_left_to_learn_does_not_count() -> None:
    assert found([0.0, 1.0, 1.0], loss=[1.0, 0.01, 0.01]) == []


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
