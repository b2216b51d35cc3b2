"""Unit tests of `weight-decay-on-norms`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.optimizer.weight_decay_on_norms import WeightDecayOnNorms
from assay.journal.view import Module
from assay.testing import make_run, make_training

CHECK = WeightDecayOnNorms()
WHOLE = -math.log(0.7)
"""Rate times decay, summed over a run, that leaves 0.7 of a weight."""


def found(
    left: float = 0.4, *, total: float = 1.0, optimizer: str = "AdamW", kind: str = "LayerNorm",
    **settings: Any,
) -> list[Finding]:  # fmt: skip
    group = {"weight_decay": 0.1, "parameters": ("1.weight", "1.bias"), **settings}
    training = make_training(
        optimizer=optimizer,
        groups=[group],
        loss=[1.0] * 100,
        learning_rate={"group 0": {0: total / 10}},
        weight_norm={"1.weight": {0: 1.0, 99: left}, "1.bias": {0: 1.0, 99: left}},
    )
    run = make_run(training)
    run.modules.append(Module("1", kind))
    return list(CHECK.review(run))


def test_gains_that_decayed() -> None:
    (finding,) = found()
    assert finding.severity == "note"
    assert finding.summary == (
        "1 of 1 gains of norms shrank to half or less under a weight decay of 0.1, 1.weight to 0.4 "
        "of what it was"
    )


def test_at_the_limits() -> None:
    assert len(found(0.5)) == 1
    assert found(0.501) == []
    assert len(found(total=WHOLE * 1.001)) == 1
    assert found(total=WHOLE * 0.999) == []


def test_momentum_lengthens_the_steps() -> None:
    assert found(total=WHOLE / 5, optimizer="SGD", momentum=0) == []
    assert len(found(total=WHOLE / 5, optimizer="SGD", momentum=0.9)) == 1


@pytest.mark.parametrize(
    "facts",
    [
        {"optimizer": "Adam"},
        {"kind": "Linear"},
        {"weight_decay": 0},
        {"weight_decay": None},
        {"left": math.nan},
    ],
)
def test_right_ones_are_silent(facts: dict[str, Any]) -> None:
    assert found(**facts) == []


def test_nothing_recorded() -> None:
    assert list(CHECK.review(make_run(loss=[]))) == []
