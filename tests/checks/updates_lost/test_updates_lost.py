"""Unit tests of `updates-lost`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.optimizer.updates_lost import UpdatesLost
from assay.journal.view import Parameter
from assay.testing import make_run, make_training

CHECK = UpdatesLost()


def found(
    changed: float = 0.01,
    *,
    zero: float = 0.0,
    samples: int = 8,
    dtype: str = "bfloat16",
    optimizer: str = "AdamW",
    rates: list[float] | None = None,
    other: int = 90,
) -> list[Finding]:
    training = make_training(
        optimizer=optimizer,
        loss=[1.0] * samples,
        learning_rate={"group 0": rates or [1e-5] * samples},
        weight_changed_share={"a": [changed] * samples, "b": [0.9] * samples, "": [0.1] * samples},
        grad_zero_share={"a": [zero] * samples, "b": [0.0] * samples},
    )
    run = make_run(training)
    run.parameters += [Parameter("a", (10, 10), dtype), Parameter("b", (other,), dtype)]
    return list(CHECK.review(run))


def test_updates_that_round_away() -> None:
    (finding,) = found()
    assert finding.summary == (
        "a step changed 1.00% of the elements of a (bfloat16), and less than 2% in 1 of 2 "
        "parameters, at rate 1e-05"
    )
    assert finding.try_[0] == "keep the weights in float32 and use torch.autocast"
    assert found(dtype="float32") == []


def test_at_the_limits() -> None:
    assert len(found(0.0199)) == 1
    assert found(0.02) == []
    assert len(found(zero=0.49)) == 1
    assert found(zero=0.5) == []
    assert found(samples=7) == []
    assert found(other=100) == []  # half of the model


def test_rates_near_zero_do_not_count() -> None:
    assert found(rates=[1.0] + [0.09] * 7) == []
    assert len(found(rates=[1.0] + [0.1] * 7)) == 1
    assert found(rates=[0.0] * 8) == []


@pytest.mark.parametrize("silent", [{"optimizer": "StochasticSGD"}, {"changed": math.nan}])
def test_right_ones_are_silent(silent: dict[str, Any]) -> None:
    assert found(**silent) == []


def test_an_own_optimizer_is_judged_where_weights_are_not_half() -> None:
    assert list(CHECK.review(make_run(loss=[]))) == []
