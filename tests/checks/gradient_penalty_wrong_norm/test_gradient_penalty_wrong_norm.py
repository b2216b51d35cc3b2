"""Unit tests of `gradient-penalty-wrong-norm`, on invented runs."""

from __future__ import annotations

import pytest

from assay.checks.gan.gradient_penalty_wrong_norm import GradientPenaltyWrongNorm
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run

CHECK = GradientPenaltyWrongNorm()


def run(shape: list[int], over: list[int] | None) -> RunView:
    line = ["train.py", 7, "penalty"]
    event = Event("gradient_penalty", 3, {"shape": shape, "over": over, "line": line})
    return make_run(events=[event], loss=[1.0] * 9)


@pytest.mark.parametrize("over", [[1], [2, 3], [0, 1, 2, 3], [0]])
def test_a_norm_that_is_not_one_a_sample(over: list[int]) -> None:
    (finding,) = CHECK.review(run([8, 3, 4, 4], over))
    assert finding.where.site == Site("train.py", 7, "penalty")


@pytest.mark.parametrize(
    ("shape", "over"),
    [([8, 3, 4, 4], [1, 2, 3]), ([8, 3, 4, 4], None), ([8, 2], [1]), ([8, 2], [0, 1])],
)
def test_a_norm_of_each_sample_or_none(shape: list[int], over: list[int] | None) -> None:
    assert list(CHECK.review(run(shape, over))) == []


def test_a_run_without_players_is_skipped() -> None:
    assert CHECK.why_skipped(run([8, 3, 4, 4], [1])) is not None
