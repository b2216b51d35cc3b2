"""Unit tests of `same-order-every-epoch`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.data.same_order_every_epoch import SameOrderEveryEpoch
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = SameOrderEveryEpoch()
EPOCHS, DRAWS = int(CHECK.limit("epochs")), int(CHECK.limit("draws"))
SEEDED = Site("train.py", 30)


def loader(sampler: str = "RandomSampler", **more: Any) -> Event[Any]:
    data = {"number": 0, "sampler": sampler, "grad": True, "built": ["train.py", 12, ""]}
    return Event("loader", 0, {**data, **more})


def epochs(*orders: int, draws: int = DRAWS, step: int = 10) -> list[Event[Any]]:
    return [
        Event("epoch", (i + 1) * step, {"loader": 0, "order": order, "draws": draws, "whole": True})
        for i, order in enumerate(orders)
    ]


def found(*events: Event[Any]) -> list[Finding]:
    return list(CHECK.review(make_run(loss=[1.0] * 50, events=events)))


def test_at_the_limit() -> None:
    (finding,) = found(loader(), *epochs(*[7] * EPOCHS))
    assert finding.where.site == Site("train.py", 12)
    assert finding.summary == (
        f"{EPOCHS} epochs of the DataLoader drew {DRAWS} samples in the same order by "
        "RandomSampler: its generator began anew each time"
    )


def test_just_under_the_limit() -> None:
    assert found(loader(), *epochs(*[7] * (EPOCHS - 1))) == []
    assert found(loader(), *epochs(7, 7, 7, 8)) == []
    assert found(loader(), *epochs(7, 7, 7, draws=DRAWS - 1)) == []


def test_a_new_training_on_the_same_seed_is_meant() -> None:
    assert found(loader(), *epochs(7, 7), *epochs(7, 7)) == []


@pytest.mark.parametrize(
    "other",
    [
        loader("SequentialSampler"),
        loader("ByLength"),
        loader(grad=False),
        loader("DistributedSampler", shuffle=True),
    ],
)
def test_loaders_that_do_not_shuffle(other: Event[Any]) -> None:
    assert found(other, *epochs(*[7] * EPOCHS)) == []


def test_the_line_that_seeds_is_named() -> None:
    def seeds(*values: int) -> list[Event[Any]]:
        return [Event("seed", i * 10, {"of": "torch", "value": v}, SEEDED)
                for i, v in enumerate(values)]  # fmt: skip

    (finding,) = found(loader(), *epochs(7, 7, 7), *seeds(4, 4, 4))
    assert finding.where.site == SEEDED
    (finding,) = found(loader(), *epochs(7, 7, 7), *seeds(4, 5, 6))
    assert finding.where.site != SEEDED


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
