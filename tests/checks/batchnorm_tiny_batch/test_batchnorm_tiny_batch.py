"""Unit tests of `batchnorm-tiny-batch`, on invented runs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from assay.checks.model.batchnorm_tiny_batch import BatchnormTinyBatch
from assay.journal.view import Module, RunView, Site
from assay.testing import make_run, make_training

CHECK = BatchnormTinyBatch()


def run(rows: Sequence[float], values: Sequence[float], offset: float) -> RunView:
    training = make_training(
        norm_rows={"bn": rows}, norm_values={"bn": values}, norm_offset={"bn": [offset] * len(rows)}
    )
    return make_run(training, modules=[Module("bn", "BatchNorm2d", site=Site("net.py", 4))])


def test_few_images() -> None:
    (finding,) = CHECK.review(run([2] * 5, [200] * 5, 0.41))
    assert finding.where.site == Site("net.py", 4)
    assert "2 samples, 200 values a channel" in finding.summary


def test_few_values() -> None:
    assert list(CHECK.review(run([4] * 5, [4] * 5, 0.5)))


@pytest.mark.parametrize(
    ("rows", "values", "offset"),
    [
        ([], [], 0.5),
        ([2] * 3, [2] * 3, 0.9),
        ([3] * 5, [5] * 5, 0.9),
        ([2] * 5, [200] * 5, 0.39),
        ([2] * 5, [2] * 5, math.nan),
        ([32, 32, 32, 32, 1], [32, 32, 32, 32, 1], 0.9),
    ],
)
def test_other_runs_are_silent(rows: list[float], values: list[float], offset: float) -> None:
    assert list(CHECK.review(run(rows, values, offset))) == []
