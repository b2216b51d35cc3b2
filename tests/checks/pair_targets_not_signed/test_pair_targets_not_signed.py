"""Unit tests of `pair-targets-not-signed`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.loss.pair_targets_not_signed import PairTargetsNotSigned
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = PairTargetsNotSigned()
LINE = Site("train.py", 31, "<module>")
PLACE = "cosine_embedding_loss (train.py:31)"


def given(made_by: str, **more: Any) -> Event[Any]:
    facts = {"fn": "cosine_embedding_loss", "place": PLACE, "argument": "input", "made_by": made_by,
             "over": None, "size": None, "shape": [32, 4], "setting": None, **more}  # fmt: skip
    return Event("loss_given", 0, facts, LINE)


def found(*events: Event[Any], **signals: Any) -> list[Any]:
    return list(CHECK.review(make_run(events=events, **signals)))


def test_zeros_without_a_single_minus_one_are_found() -> None:
    (finding,) = found(
        given("linear"),
        pair_target_other={PLACE: [0.5, 0.4]},
        pair_target_negative={PLACE: [0.0, 0.0]},
    )
    assert finding.where.site == LINE
    assert finding.summary.startswith("45% of the targets of cosine_embedding_loss")


@pytest.mark.parametrize(
    ("other", "negative"),
    [
        ([0.5, 0.5], [0.0, 0.01]),  # one of -1 in the whole run: zeros are a mask
        ([0.0, 0.0], [0.0, 0.0]),  # all are 1
        ([0.0], [0.5]),
        ([], []),
        ([math.nan], [math.nan]),
    ],
)
def test_others_are_silent(other: list[float], negative: list[float]) -> None:
    pairs = {"pair_target_other": {PLACE: other}, "pair_target_negative": {PLACE: negative}}
    assert found(given("linear"), **pairs) == []


def test_one_zero_in_one_batch_is_enough() -> None:
    pairs: Any = {
        "pair_target_other": {PLACE: [0.0, 0.01]},
        "pair_target_negative": {PLACE: [0.0] * 2},
    }
    assert len(found(given("linear"), **pairs)) == 1
