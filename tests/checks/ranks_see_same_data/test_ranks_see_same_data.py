"""Unit tests of `ranks-see-same-data`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.distributed.ranks_see_same_data import RanksSeeSameData
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = RanksSeeSameData()
SAME = [float(n) for n in range(10)]


def found(
    other: dict[str, list[float]], *, gradients: list[float] = SAME, steps: int = 10,
    events: tuple[Event[Any], ...] = (),
) -> list[Finding]:  # fmt: skip
    own = {"input 0": SAME[:steps], "mask": [1.0] * steps}
    trainings = [
        make_training(
            index=rank, process=rank, grad_norm={"0.weight": SAME}, grad_fingerprint=used,
            input_fingerprint=inputs,
        )
        for rank, (inputs, used) in enumerate(((own, SAME), ({**own, **other}, gradients)))
    ]  # fmt: skip
    trainings[1].rank = 1
    return list(CHECK.review(make_run(*trainings, events=events, facts={"world": 2})))


def test_the_same_batches() -> None:
    data = {"grad": True, "sampler": "RandomSampler", "built": ["train.py", 7, "main"]}
    (finding,) = found({}, events=(Event("loader", 0, data),))
    assert finding.where.site == Site("train.py", 7, "main")
    assert finding.summary == (
        "all 2 ranks were given the same batch in each of the 10 steps that were compared; "
        "RandomSampler drew them"
    )
    assert len(found({}, steps=8)) == 1
    assert found({}, steps=7) == []


@pytest.mark.parametrize(
    "given",
    [
        {"other": {"input 0": [*SAME[:9], 0.5]}},
        {"other": {"input 0": [1.0] * 10}},
        {"other": {}, "gradients": [0.5] * 10},  # a model in parts, or trainings apart
    ],
)
def test_right_ones_are_silent(given: dict[str, Any]) -> None:
    assert found(**given) == []
