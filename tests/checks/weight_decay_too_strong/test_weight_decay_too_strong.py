"""Unit tests of `weight-decay-too-strong`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.optimizer.weight_decay_too_strong import WeightDecayTooStrong
from assay.journal.view import Event, Parameter
from assay.testing import make_run, make_training

CHECK = WeightDecayTooStrong()
STEPS = 60


def found(
    left: float = 0.01,
    *,
    gradient: float = 0.0001,
    decay: float = 0.1,
    loss: float = math.log(2),
    steps: int = STEPS,
    optimizer: str = "SGD",
    update: float = 0.0001,
) -> list[Finding]:
    place = "cross_entropy (train.py:12)"
    weights = [left ** (step / (steps - 1)) for step in range(steps)]
    training = make_training(
        optimizer=optimizer,
        groups=[{"lr": 0.1, "weight_decay": decay, "parameters": ("0.weight", "0.bias")}],
        loss=[loss] * steps,
        loss_call_value={place: [loss] * steps},
        label_count={f"{place} class 0": [32.0] * steps, f"{place} class 1": [32.0] * steps},
        learning_rate={"group 0": [0.1] * steps},
        weight_norm={"0.weight": weights, "0.bias": weights},
        grad_norm={"0.weight": [gradient] * steps},
        update_norm={"0.weight": [update] * steps},
    )
    call = {
        "fn": "cross_entropy", "place": place, "in_graph": True, "reduction": "mean",
        "weighted": False, "label_smoothing": 0.0,
        "input": {"shape": [64, 2], "dtype": "float32"}, "ignore_index": -100,
        "target": {"shape": [64], "dtype": "int64"},
    }  # fmt: skip
    run = make_run(training, events=[Event("loss_call", 0, call)])
    run.parameters += [Parameter("0.weight", (2, 4)), Parameter("0.bias", (2,))]
    return list(CHECK.review(run))


def test_weights_that_decay_pulls_to_zero() -> None:
    (finding,) = found()
    assert finding.summary == (
        "a weight decay of 0.1 shrank 0.weight to 0.01 of what it was, and 1 of 1 matrices "
        "likewise; the loss ended at 0.6931, where a constant prediction has 0.6931"
    )


def test_at_the_limits() -> None:
    assert len(found(0.099)) == 1
    assert found(0.1) == []
    assert len(found(loss=0.95 * math.log(2) + 1e-6)) == 1
    assert found(loss=0.95 * math.log(2) - 1e-3) == []
    assert len(found(steps=50)) == 1
    assert found(steps=49) == []


def test_decay_that_stands_apart_from_the_gradient() -> None:
    assert len(found(optimizer="AdamW", gradient=9.0)) == 1  # 0.01 of the weight, all of the update
    assert found(optimizer="AdamW", gradient=9.0, update=1.0) == []


@pytest.mark.parametrize("run", [{"gradient": 1.0}, {"decay": 0.0}, {"loss": math.nan}])
def test_right_ones_are_silent(run: dict[str, Any]) -> None:
    assert found(**run) == []


def test_nothing_recorded() -> None:
    assert list(CHECK.review(make_run(loss=[]))) == []
