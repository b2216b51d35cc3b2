"""Unit tests of `replicas-diverged`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.distributed.replicas_diverged import ReplicasDiverged
from assay.checks.finding import Finding
from assay.journal.view import Event
from assay.testing import make_run, make_training

CHECK = ReplicasDiverged()
SAME = [float(n) for n in range(10)]


def wrapper(training: int, hook: str | None = None, world: int = 2) -> Event[Any]:
    data = {"cls": "Net", "world": world, "hook": hook, "built": None}
    return Event("replicated", 0, data, training=training)


def found(
    weights: list[float], gradients: list[float] = SAME, *, hook: str | None = None,
    ddp: bool = True, world: int = 2, rates: Any = (0.1, 0.1),
) -> list[Finding]:  # fmt: skip
    trainings = [
        make_training(
            index=rank, process=rank, steps=10,
            grad_norm={"0.weight": SAME}, weight_norm={"0.weight": bits},
            weight_fingerprint=bits, grad_fingerprint=used, learning_rate={"group 0": {0: rate}},
        )
        for rank, (bits, used, rate) in enumerate(
            zip((SAME, weights), (SAME, gradients), rates, strict=True)
        )
    ]  # fmt: skip
    for training in trainings:
        training.rank = training.process
    events = [wrapper(rank, hook) for rank in (0, 1)] if ddp else []
    return list(CHECK.review(make_run(*trainings, events=events, facts={"world": world})))


APART = [*SAME[:4], 0.5, *SAME[5:]]


def test_weights_that_part() -> None:
    (finding,) = found(APART)
    assert finding.summary == (
        "before step 4 the weights of rank 1 were others than those of rank 0 (0.weight); at step "
        "3 they were the same"
    )
    assert finding.began == (3, 4)
    assert finding.processes == (0, 1)
    assert len(found(APART, ddp=False)) == 1


def test_what_differed_before_is_said() -> None:
    (finding,) = found(APART, [*SAME[:3], 0.5, *SAME[4:]])
    assert finding.summary.endswith("but the gradients that the ranks used in it were not")
    (finding,) = found(APART, rates=(0.1, 0.01))
    assert finding.summary.endswith("rank 1 stepped at a rate of 0.01 and rank 0 at 0.1")


@pytest.mark.parametrize(
    "given",
    [
        {"weights": SAME},
        {"weights": APART, "world": 1},
        {"weights": APART, "gradients": [0.5] * 10, "hook": "powerSGD_hook"},
        {"weights": APART, "gradients": [0.5] * 10, "ddp": False},  # local steps
        {"weights": [0.5] * 10, "ddp": False},  # apart from the first step on
    ],
)
def test_right_ones_are_silent(given: dict[str, Any]) -> None:
    assert found(**given) == []


def test_the_first_step_counts_behind_a_wrapper() -> None:
    (finding,) = found([0.5] * 10)
    assert "as at no step" in finding.summary
