"""Unit tests of `loss-averaged-twice`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.distributed.loss_averaged_twice import LossAveragedTwice
from assay.checks.finding import Finding
from assay.testing import make_run, make_training

CHECK = LossAveragedTwice()


def found(
    part: float = 0.25, *, ranks: int = 2, steps: int = 10, optimizer: str = "SGD", **other: Any
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


def test_divided_twice() -> None:
    (finding,) = found()
    assert finding.severity == "warning"
    assert finding.summary == (
        "the script had averaged the gradients over 2 ranks, and they were divided by 2 once more "
        "before the step"
    )
    assert len(found(1 / 16, ranks=4)) == 1
    (finding,) = found(optimizer="Adam")
    assert finding.severity == "note"


def test_at_the_limits() -> None:
    assert len(found(steps=3)) == 1
    assert found(steps=2) == []


@pytest.mark.parametrize(
    "given",
    [{"part": 0.5}, {"part": 1.0}, {"backward_passes": [2.0] * 10}, {"scaled_passes": [1.0] * 10}],
)
def test_right_ones_are_silent(given: dict[str, Any]) -> None:
    assert found(**given) == []
