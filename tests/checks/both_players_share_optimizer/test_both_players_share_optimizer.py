"""Unit tests of `both-players-share-optimizer`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.gan.both_players_share_optimizer import BothPlayersShareOptimizer
from assay.journal.view import RunView, Site
from assay.testing import make_run, make_training
from assay.testing.turns import call, loss, step, turn

CHECK = BothPlayersShareOptimizer()
LIMIT = int(CHECK.limit("samples"))
UP, DOWN = [-1.0] * LIMIT, [1.0] * LIMIT


def run(
    own: list[float],
    wanted: list[float],
    *,
    wants: bool = True,
    moved: tuple[str, ...] = ("D", "G"),
) -> RunView:
    turns = (
        turn(loss(10, call("D", 8), call("D", 9, fed=("G",))), step(0, "D", "G", moved=("D",))),
        turn(
            loss(13, call("D", 12, over=("G",), wants=wants), call("G", 11)),
            step(0, "D", "G", moved=moved),
        ),
    )
    signals: dict[str, Any] = {"judge_asks": {"D on detached G": own, "D on G": wanted}}
    return make_run(make_training(**signals), events=turns)


def test_one_step_of_both() -> None:
    (finding,) = CHECK.review(run(DOWN, UP))
    assert finding.where.site == Site("train.py", 5, "<module>")
    assert finding.training == 0


def test_a_judge_that_is_frozen_or_cleared_is_silent() -> None:
    assert list(CHECK.review(run(DOWN, UP, wants=False))) == []
    assert list(CHECK.review(run(DOWN, UP, moved=("G",)))) == []


@pytest.mark.parametrize(("own", "wanted"), [(DOWN, DOWN), (DOWN[1:], UP), ([], []), (UP, UP)])
def test_networks_that_work_together_or_few_samples(own: list[float], wanted: list[float]) -> None:
    assert list(CHECK.review(run(own, wanted))) == []
