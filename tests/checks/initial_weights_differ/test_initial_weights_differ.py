"""Unit tests of `initial-weights-differ`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.distributed.initial_weights_differ import InitialWeightsDiffer
from assay.checks.finding import Finding
from assay.journal.view import Event
from assay.testing import make_run, make_training

CHECK = InitialWeightsDiffer()
SAME = [float(n) for n in range(10)]


def wrapper(training: int, hook: str | None = None, world: int = 2) -> Event[Any]:
    data = {"cls": "Net", "world": world, "hook": hook, "built": None}
    return Event("replicated", 0, data, training=training)


def found(
    weights: list[float], gradients: list[float] = SAME, *, ddp: bool = False, steps: int = 10
) -> list[Finding]:
    trainings = [
        make_training(
            index=rank, process=rank, grad_norm={"0.weight": SAME},
            weight_norm={"0.weight": bits[:steps]}, weight_fingerprint=bits[:steps],
            grad_fingerprint=used,
        )
        for rank, (bits, used) in enumerate(((SAME, SAME), (weights, gradients)))
    ]  # fmt: skip
    trainings[1].rank = 1
    events = [wrapper(rank) for rank in (0, 1)] if ddp else []
    return list(CHECK.review(make_run(*trainings, events=events, facts={"world": 2})))


def test_weights_that_were_never_alike() -> None:
    (finding,) = found([0.5] * 10)
    assert finding.summary.startswith("at the first step rank 1 had other weights than rank 0 (1 ")
    assert len(found([0.5] * 10, steps=3)) == 1
    assert found([0.5] * 10, steps=2) == []


def test_nine_in_ten_gradients_have_to_agree() -> None:
    assert len(found([0.5] * 10, [0.5, *SAME[1:]])) == 1
    assert found([0.5] * 10, [0.5, 0.5, *SAME[2:]]) == []


@pytest.mark.parametrize("given", [{"weights": SAME}, {"weights": [0.5] * 10, "ddp": True}])
def test_right_ones_are_silent(given: dict[str, Any]) -> None:
    assert found(**given) == []
