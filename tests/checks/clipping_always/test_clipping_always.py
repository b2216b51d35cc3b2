"""Unit tests of `clipping-always`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.optimizer.clipping_always import ClippingAlways
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = ClippingAlways()
LINE = Site("train.py", 20)


def found(
    norms: list[float], *, loss: float = 1.0, optimizer: str = "SGD", **signals: Any
) -> list[Finding]:
    training = make_training(
        optimizer=optimizer,
        loss=[1.0] * 50 + [loss] * 50,
        clip_norm=norms,
        clip_limit=[0.5] * len(norms),
        **signals,
    )
    events = [Event("clip", 0, {"of": "norm", "limit": 0.5}, LINE)]
    return list(CHECK.review(make_run(training, events=events)))


def test_a_limit_that_always_holds() -> None:
    (finding,) = found([10.0] * 20)
    assert finding.where.site == LINE
    assert finding.summary == (
        "20 of the 20 steps looked at were clipped, the median one from 20 times the limit of 0.5; "
        "the loss went from 1 to 1 in 100 steps"
    )


def test_at_the_limits() -> None:
    assert len(found([5.0] * 16)) == 1
    assert found([5.0] * 15) == []
    assert found([4.99] * 16) == []
    assert len(found([5.0] * 19 + [0.4])) == 1
    assert found([5.0] * 18 + [0.4] * 2) == []
    assert len(found([5.0] * 16, loss=0.901)) == 1
    assert found([5.0] * 16, loss=0.899) == []


@pytest.mark.parametrize(
    "run",
    [
        {"optimizer": "Adam"},
        {"raw_grad_norm": [10.0] * 20, "loss_scaled_by": [1024.0] * 20},
        {"norms": [math.nan] * 20},
        {"norms": []},
    ],
)
def test_right_ones_are_silent(run: dict[str, Any]) -> None:
    assert found(**{"norms": [10.0] * 20, **run}) == []
