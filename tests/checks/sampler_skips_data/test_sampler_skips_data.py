"""Unit tests of `sampler-skips-data`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.data.sampler_skips_data import SamplerSkipsData
from assay.checks.finding import Finding
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = SamplerSkipsData()
SIZE = 1000


def found(*epochs: tuple[int, int | None], **facts: Any) -> list[Finding]:
    data = {"number": 0, "sampler": "WeightedRandomSampler", "size": SIZE, "grad": True,
            "built": ["train.py", 12, ""], "weights": None, "replacement": True}  # fmt: skip
    events = [Event("loader", 0, {**data, **facts})]
    events += [
        Event("epoch", i, {"loader": 0, "draws": draws, "distinct_ever": met})
        for i, (draws, met) in enumerate(epochs)
    ]
    return list(CHECK.review(make_run(loss=[1.0], events=events)))


def test_weights_of_classes() -> None:
    (finding,) = found(weights=3)
    assert (finding.severity, finding.where.site) == ("error", Site("train.py", 12))
    assert finding.summary == (
        "the WeightedRandomSampler had 3 weights for 1,000 samples: those from number 3 on were "
        "never drawn"
    )
    assert len(found(weights=SIZE - 1)) == 1
    assert found(weights=SIZE) == []
    assert found(weights=3, grad=False) == []


def test_draws_that_come_upon_few() -> None:
    met = int(CHECK.limit("met") * SIZE)
    assert len(found((SIZE // 2, met - 1), (SIZE // 2, met - 1))) == 1
    assert found((SIZE, met)) == []
    assert found((SIZE - 1, met - 1)) == []
    assert found((SIZE, None)) == []
    assert found((SIZE, met - 1), replacement=False) == []


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
