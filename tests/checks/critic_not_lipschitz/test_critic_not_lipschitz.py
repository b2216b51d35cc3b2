"""Unit tests of `critic-not-lipschitz`, on invented runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from assay.checks.gan.critic_not_lipschitz import CriticNotLipschitz
from assay.journal.view import Event, Module, Parameter, RunView
from assay.testing import make_run, make_training
from assay.testing.turns import call, loss, step, turn

CHECK = CriticNotLipschitz()
LIMIT = int(CHECK.limit("samples"))
GROWING = [0.5 + 0.01 * i for i in range(LIMIT)]


def run(
    largest: list[float] = GROWING,
    way: str = "linear",
    more: Iterable[Event[Any]] = (),
    **facts: Any,
) -> RunView:
    turns = (
        turn(loss(10, call("D", 8, way=way), call("D", 9, fed=("G",), way=way)), step(0, "D")),
        turn(loss(13, call("D", 12, over=("G",), way="linear"), call("G", 11)), step(1, "G")),
    )
    signals: dict[str, Any] = {"judge_weight_max": {"D": largest}}
    return make_run(make_training(**signals), events=[*turns, *more], **facts)


def test_nothing_bounds_it() -> None:
    (finding,) = CHECK.review(run())
    assert finding.where.site is not None
    assert finding.where.site.line == 9


def test_under_the_limit_or_bounded() -> None:
    penalty = Event("gradient_penalty", 0, {"shape": [8, 2], "over": [1], "line": None})
    assert list(CHECK.review(run(GROWING[1:]))) == []
    assert list(CHECK.review(run([0.4] + [0.01] * LIMIT))) == []
    assert list(CHECK.review(run(way="other"))) == []
    assert list(CHECK.review(run(way="square"))) == []
    assert list(CHECK.review(run(more=[penalty]))) == []
    assert (
        list(CHECK.review(run(modules=[Module("D.0.parametrizations.0", "_SpectralNorm")]))) == []
    )
    assert list(CHECK.review(run(parameters=[Parameter("D.0.weight_orig", (2, 2))]))) == []
