"""Unit tests of `discriminator-won`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.gan.discriminator_won import DiscriminatorWon
from assay.journal.view import RunView
from assay.testing import make_run, make_training
from assay.testing.turns import call, loss, step, turn

CHECK = DiscriminatorWon()
STEPS, SHARE = int(CHECK.limit("steps")), CHECK.limit("share")


def run(losses: list[float]) -> RunView:
    turns = (
        turn(loss(10, call("D", 8), call("D", 9, fed=("G",))), step(0, "D")),
        turn(loss(13, call("D", 12, over=("G",)), call("G", 11)), step(1, "G")),
    )
    return make_run(make_training(loss=losses), make_training(index=1, steps=9), events=turns)


def test_a_loss_at_zero() -> None:
    (finding,) = CHECK.review(run([1.0] * 9 + [0.99 * SHARE] * (STEPS - 9)))
    assert finding.preview
    assert finding.training == 0


@pytest.mark.parametrize(
    "losses",
    [
        [1.0] * 9 + [1.01 * SHARE] * (STEPS - 9),
        [1.0] * 9 + [0.0] * (STEPS - 10),
        [1.0] * 9 + [0.0] * (STEPS // 2) + [0.5] * (STEPS // 2),
        [1.0] * 9 + [-4.0] * STEPS,
        [math.nan] * STEPS,
        [],
    ],
)
def test_others_are_silent(losses: list[float]) -> None:
    assert list(CHECK.review(run(losses))) == []
