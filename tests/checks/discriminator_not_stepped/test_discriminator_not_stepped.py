"""Unit tests of `discriminator-not-stepped`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.gan.discriminator_not_stepped import DiscriminatorNotStepped
from assay.journal.view import RunView, Site
from assay.testing import make_run, make_training
from assay.testing.turns import call, loss, step, turn

CHECK = DiscriminatorNotStepped()
LIMIT = int(CHECK.limit("samples"))


def run(norms: list[float], *held: str, wants: bool = True, on_data: bool = True) -> RunView:
    own = [call("D", 9, wants=wants)] if on_data else []
    own.append(call("D", 9, fed=("G",), wants=wants))
    both = turn(
        loss(10, *own),
        loss(13, call("D", 12, over=("G",)), call("G", 12)),
        step(0, *held),
    )
    signals: dict[str, Any] = {"judge_weight_norm": {"D": norms}}
    return make_run(make_training(steps=20, **signals), events=[both])


def test_at_the_limit() -> None:
    (finding,) = CHECK.review(run([2.0] * LIMIT, "G"))
    assert finding.where.site == Site("train.py", 10, "<module>")
    assert "no optimizer that stepped holds it" in finding.summary


def test_just_under_the_limit() -> None:
    assert list(CHECK.review(run([2.0] * (LIMIT - 1), "G"))) == []


@pytest.mark.parametrize("norms", [[], [1.0], [math.nan] * 20, [1.0] * 19 + [1.001]])
def test_weights_that_move_or_are_unknown(norms: list[float]) -> None:
    assert list(CHECK.review(run(norms, "G"))) == []


def test_players_that_are_stepped_or_frozen_or_none() -> None:
    norms = [2.0] * LIMIT
    assert list(CHECK.review(run(norms, "G", "D"))) == []
    assert list(CHECK.review(run(norms))) == []
    assert list(CHECK.review(run(norms, "G", wants=False))) == []
    decoder = run(norms, "G", on_data=False)
    assert list(CHECK.review(decoder)) == []
    assert CHECK.why_skipped(decoder) is not None
