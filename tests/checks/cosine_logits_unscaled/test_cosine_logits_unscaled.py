"""Unit tests of `cosine-logits-unscaled`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.loss.cosine_logits_unscaled import CosineLogitsUnscaled
from assay.journal.view import Event, Site
from assay.testing import make_run, only_finding

CHECK = CosineLogitsUnscaled()
PLACE = "cross_entropy (train.py:9)"


def run(classes: int, made: str = "Cosine"):
    shapes = {"shape": [8, classes], "dtype": "float32"}, {"shape": [8], "dtype": "int64"}
    call = {"fn": "cross_entropy", "place": PLACE, "input": shapes[0], "target": shapes[1]}
    given = {"fn": "cross_entropy", "place": PLACE, "activation": made, "module": None,
             "line": ["train.py", 8, "step"]}  # fmt: skip
    return make_run(
        loss=[3.0] * 4,
        loss_call_value={PLACE: [3.0] * 4},
        events=[Event("loss_call", 0, call), Event("loss_activation", 0, given)],
    )


def test_what_the_loss_can_reach_at_best_is_told() -> None:
    finding = only_finding(CHECK, run(250))
    floor = math.log1p(249 * math.exp(-2))
    assert f"can't fall below {floor:.3g}" in finding.summary
    assert "no class can get more than 2.9% probability" in finding.summary
    assert finding.where.site == Site("train.py", 8, "step")


@pytest.mark.parametrize(("classes", "found"), [(2, 0), (10, 0), (40, 0), (41, 1), (1000, 1)])
def test_few_classes_can_be_told_apart(classes: int, found: int) -> None:
    assert len(list(CHECK.review(run(classes)))) == found


def test_other_logits_are_left_alone() -> None:
    assert list(CHECK.review(run(250, "Tanh"))) == []
