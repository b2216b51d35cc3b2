"""Unit tests of `padding-in-loss`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.finding import Finding
from assay.checks.loss.padding_in_loss import PaddingInLoss
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = PaddingInLoss()
SAMPLES, SHARE = int(CHECK.limit("samples")), CHECK.limit("share")
PLACE, LINE = "cross_entropy (train.py:20)", Site("train.py", 20)


def found(shares: list[float], values: list[float] | None = None) -> list[Finding]:
    run = make_run(
        loss=[1.0] * len(shares),
        padded_target_share={PLACE: shares},
        padded_target_value={PLACE: [0.0] * len(shares) if values is None else values},
        events=[Event("loss_call", 0, {"fn": "cross_entropy", "place": PLACE}, LINE)],
    )
    return list(CHECK.review(run))


def test_at_the_limit() -> None:
    (finding,) = found([SHARE] * SAMPLES)
    assert finding.severity == "warning"
    assert finding.where.site == LINE
    assert finding.summary == (
        "10% of the targets that cross_entropy (train.py:20) counted were padding: the value 0 at "
        "the ends of rows, where the input is padding too"
    )


def test_just_under_the_limit() -> None:
    assert found([SHARE - 1e-6] * SAMPLES) == []
    assert found([SHARE] * (SAMPLES - 1)) == []


def test_a_last_token_that_is_another_in_each_batch_is_no_padding() -> None:
    assert found([0.3] * SAMPLES, [float(i) for i in range(SAMPLES)]) == []


def test_few_batches_with_such_ends_are_silent() -> None:
    assert found([0.9, 0.9, *[0.0] * SAMPLES]) == []


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
    assert found([math.nan] * SAMPLES) == []
