"""Unit tests of `labels-swapped`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.gan.labels_swapped import LabelsSwapped
from assay.journal.view import RunView
from assay.testing import make_run, make_training
from assay.testing.turns import call, loss, step, turn

CHECK = LabelsSwapped()
LIMIT = int(CHECK.limit("samples"))
TURNS = (
    turn(loss(10, call("D", 8), call("D", 9, fed=("G",))), step(0, "D")),
    turn(loss(13, call("D", 12, over=("G",)), call("G", 11)), step(1, "G")),
)


def run(data: list[float], detached: list[float], attached: list[float]) -> RunView:
    own: dict[str, Any] = {"judge_asks": {"D on data": data, "D on detached G": detached}}
    maker: dict[str, Any] = {"judge_asks": {"D on G": attached}}
    trainings = make_training(index=0, **own), make_training(index=1, **maker)
    return make_run(*trainings, events=TURNS)


UP, DOWN = [-1.0] * LIMIT, [1.0] * LIMIT


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ((UP, DOWN, DOWN), 12),
        ((DOWN, UP, UP), 12),
        ((UP, UP, UP), 9),
        ((DOWN, DOWN, DOWN), 9),
        ((DOWN, DOWN, UP), 8),
    ],
)
def test_each_side_is_named(asked: tuple[list[float], ...], line: int) -> None:
    (finding,) = CHECK.review(run(*asked))
    assert finding.where.site is not None
    assert finding.where.site.line == line


@pytest.mark.parametrize(
    "asked",
    [
        (UP, DOWN, UP),
        (DOWN, UP, DOWN),
        (UP, DOWN[1:], DOWN),
        (UP, DOWN, DOWN[1:]),
        ([0.2] * 20, [0.2] * 20, [0.2] * 20),
        ([math.nan] * 20, [math.nan] * 20, DOWN),
        (UP, [1.0, -1.0] * 10, DOWN),
        ([], [], []),
    ],
)
def test_right_or_unknown_sides_are_silent(asked: tuple[list[float], ...]) -> None:
    assert list(CHECK.review(run(*asked))) == []
