"""Unit tests of `discriminator-keeps-graph`, on invented runs."""

from __future__ import annotations

from typing import Any

import pytest

from assay.checks.gan.discriminator_keeps_graph import DiscriminatorKeepsGraph
from assay.journal.view import RunView
from assay.testing import make_run, make_training
from assay.testing.turns import call, loss, step, turn

CHECK = DiscriminatorKeepsGraph()
LIMIT = int(CHECK.limit("samples"))


def run(
    own: list[float],
    wanted: list[float],
    *,
    filled: tuple[str, ...] = ("D",),
    detached: bool = False,
) -> RunView:
    judged = call("D", 9, fed=("G",)) if detached else call("D", 9, over=("G",))
    turns = (
        turn(loss(10, call("D", 8), judged), step(0, "D")),
        turn(loss(13, call("D", 12, over=("G",)), call("G", 11), filled=filled), step(1, "G")),
    )
    signals: list[dict[str, Any]] = [
        {"judge_asks": {"D on G": own}},
        {"judge_asks": {"D on G": wanted}},
    ]
    trainings = [make_training(index=i, **each) for i, each in enumerate(signals)]
    return make_run(*trainings, events=turns)


UP, DOWN = [-1.0] * LIMIT, [1.0] * LIMIT


def test_what_is_left_is_an_error() -> None:
    (finding,) = CHECK.review(run(DOWN, UP, filled=("D", "G")))
    assert finding.severity == "error"
    assert finding.where.site is not None
    assert finding.where.site.line == 9


def test_what_is_cleared_costs_time() -> None:
    (finding,) = CHECK.review(run(DOWN, UP))
    assert finding.severity == "note"


@pytest.mark.parametrize(("own", "wanted"), [(DOWN[1:], UP), (DOWN, DOWN), ([], []), (UP, UP)])
def test_networks_that_work_together_or_few_samples(own: list[float], wanted: list[float]) -> None:
    assert list(CHECK.review(run(own, wanted, filled=("D", "G")))) == []


def test_a_detached_batch() -> None:
    assert list(CHECK.review(run(DOWN, UP, filled=("D", "G"), detached=True))) == []
