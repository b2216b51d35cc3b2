"""Unit tests of `sampler-epoch-not-set`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.distributed.sampler_epoch_not_set import SamplerEpochNotSet
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = SamplerEpochNotSet()


def found(*orders: int, draws: int = 8, whole: bool = True, **loader: Any) -> list[Finding]:
    data = {"number": 0, "sampler": "DistributedSampler", "grad": True, "built": ["a.py", 12, ""]}
    events = [
        Event("loader", 0, {**data, **loader}),
        *(
            Event("epoch", 10 * n, {"loader": 0, "order": order, "draws": draws, "whole": whole})
            for n, order in enumerate(orders, 1)
        ),
    ]
    return list(CHECK.review(make_run(make_training(loss=[1.0] * 50), events=events)))


def test_two_epochs_of_one_order() -> None:
    (finding,) = found(7, 7)
    assert finding.where.site == Site("a.py", 12)
    assert finding.summary.startswith("2 epochs drew the same 8 samples in the same order")


@pytest.mark.parametrize(
    ("orders", "given"),
    [
        ((7,), {}),
        ((7, 7, 8), {}),
        ((7, 7), {"draws": 7}),
        ((7, 7), {"whole": False}),
        ((7, 7), {"shuffle": False}),
        ((7, 7), {"grad": False}),
        ((7, 7), {"sampler": "RandomSampler"}),
    ],
)
def test_right_ones_are_silent(orders: tuple[int, ...], given: dict[str, Any]) -> None:
    assert found(*orders, **given) == []
