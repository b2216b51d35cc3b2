"""Unit tests of `loss-sign-flipped`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.finding import Finding
from assay.checks.loss.loss_sign_flipped import LossSignFlipped
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = LossSignFlipped()
SAMPLES = int(CHECK.limit("samples"))
PLACE, LINE = "cross_entropy (train.py:20)", Site("train.py", 21)


def found(
    signs: list[float],
    *,
    terms: float = 1,
    place: str = PLACE,
    loss: tuple[float, ...] = (-1.0, -2.0, -3.0),
    players: int = 1,
) -> list[Finding]:
    trainings = [
        make_training(
            index=index,
            loss=[*loss] * 4,
            loss_sign={place: signs},
            loss_terms=[terms] * max(len(signs), 1),
        )
        for index in range(players)
    ]
    data = {"place": place, "line": ["train.py", 21, ""]}
    return list(CHECK.review(make_run(*trainings, events=[Event("loss_raised", 0, data)])))


def test_at_the_limit() -> None:
    (finding,) = found([-1] * SAMPLES)
    assert finding.severity == "error"
    assert finding.where.site == LINE
    assert finding.summary == (
        f"cross_entropy (train.py:20) entered the loss with a minus at each of {SAMPLES} sampled "
        "steps, and what is minimised went from -1 to -3"
    )


def test_just_under_the_limit() -> None:
    assert found([-1] * (SAMPLES - 1)) == []


def test_one_right_step_is_enough_to_be_silent() -> None:
    assert found([-1] * SAMPLES + [1]) == []


def test_of_several_terms_one_may_be_meant_to_rise() -> None:
    assert found([-1] * SAMPLES, terms=2) == []


def test_players_are_silent() -> None:
    assert found([-1] * SAMPLES, players=2) == []


def test_what_did_not_fall_was_not_minimised() -> None:
    assert found([-1] * SAMPLES, loss=(-3.0, -2.0, -1.0)) == []


def test_a_likelihood_lacks_its_minus() -> None:
    (finding,) = found([-1] * SAMPLES, place="log_likelihood (train.py:9)")
    assert finding.summary.startswith(
        "the log-likelihood (train.py:9) was minimised, not its negative,"
    )
    assert finding.try_ == ("minimise its negative: put a minus before it",)


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
