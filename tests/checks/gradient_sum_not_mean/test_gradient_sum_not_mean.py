"""Unit tests of `gradient-sum-not-mean`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.distributed.gradient_sum_not_mean import GradientSumNotMean
from assay.checks.finding import Finding
from assay.testing import make_run, make_training

CHECK = GradientSumNotMean()


def found(
    part: float = 1.0, *, ranks: int = 2, steps: int = 10, optimizer: str = "SGD", **other: Any
) -> list[Finding]:
    own = [1.0 + rank for rank in range(ranks)]
    usual = {
        "loss": [1.0] * steps,
        "backward_passes": [1.0] * steps,
        "mean_loss_passes": [1.0] * steps,
        "grad_sum": [part * sum(own)] * steps,
        "grad_norm": {"0.weight": [1.0] * steps},
    }
    trainings = [
        make_training(
            index=rank, process=rank, optimizer=optimizer,
            **{**usual, "local_grad_sum": [own[rank]] * steps, **other},
        )
        for rank in range(ranks)
    ]  # fmt: skip
    for training in trainings:
        training.rank = training.process
    return list(CHECK.review(make_run(*trainings, facts={"world": ranks})))


def test_a_sum_whose_loss_does_not_fall() -> None:
    (finding,) = found(loss=[1.0] * 40, steps=40)
    assert finding.severity == "warning"
    assert finding.summary == (
        "each step used the sum of the gradients of 2 ranks, each of a mean loss, which nobody "
        "divided by 2; the loss did not fall"
    )
    (finding,) = found(loss=[0.9**n for n in range(40)], steps=40)
    assert finding.severity == "note"


def test_at_the_limits() -> None:
    assert len(found(steps=3)) == 1
    assert found(steps=2) == []
    assert len(found(1.00005, ranks=4)) == 1
    assert found(1.001, ranks=4) == []


@pytest.mark.parametrize(
    "given",
    [
        {"part": 0.5},
        {"optimizer": "Adam"},
        {"mean_loss_passes": [0.0] * 10},
        {"backward_passes": [2.0] * 10},
        {"scaled_passes": [1.0] * 10},
        {"local_grad_sum": [0.0] * 10},
    ],
)
def test_right_ones_are_silent(given: dict[str, Any]) -> None:
    assert found(**given) == []
