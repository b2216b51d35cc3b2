"""Unit tests of `loss-spike`, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.finding import Finding
from assay.checks.loss.loss_spike import LossSpike
from assay.testing import make_run, make_training

CHECK = LossSpike()
TIMES, WINDOW, BACK = (CHECK.limit(name) for name in ("times", "window", "back"))


def found(*leap: float, before: int = int(WINDOW), calm: float = 1.0) -> list[Finding]:
    losses = [calm] * before + list(leap)
    return list(CHECK.review(make_run(loss=losses + [calm] * (200 - len(losses)))))


def test_at_the_limit() -> None:
    (finding,) = found(TIMES)
    assert (finding.severity, finding.preview, finding.steps) == ("note", True, (100, 100))
    assert finding.summary == (
        "the loss of step 100 was 10, 10 times the largest of the 100 steps before it, and 1 step "
        "later it was back"
    )


def test_just_under_the_limit() -> None:
    assert found(TIMES - 1e-6) == []


def test_the_window_must_be_full() -> None:
    assert found(TIMES, before=int(WINDOW) - 1) == []


def test_a_loss_that_stays_high_is_another_task() -> None:
    assert len(found(*[TIMES] * int(BACK))) == 1
    assert found(*[TIMES] * (int(BACK) + 1)) == []


def test_several_are_counted() -> None:
    (finding,) = found(TIMES, 1.0, 2 * TIMES)
    assert finding.steps == (100, 100)  # the second is no leap beside the first
    losses = ([1.0] * 100 + [20.0]) * 2 + [1.0] * 10
    (finding,) = CHECK.review(make_run(loss=losses))
    assert finding.steps == (100, 201)
    assert finding.summary.endswith("later it was back, the highest of 2 such spikes")


def test_losses_below_zero_and_players_are_silent() -> None:
    assert found(TIMES, calm=-1.0) == []
    leap = [1.0] * 100 + [TIMES] + [1.0] * 99
    players = [make_training(index=i, loss=[(i + 1) * x for x in leap]) for i in (0, 1)]
    assert list(CHECK.review(make_run(*players))) == []


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5, [math.nan] * 200])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
    assert found(math.inf) == []
