"""Unit tests of `rate-decays-too-early`, on invented runs of 400 steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.schedule.rate_decays_too_early import RateDecaysTooEarly
from assay.journal.schedulers import Scheduler
from assay.journal.series import Series
from assay.journal.view import BuiltOptimizer, RunView, Site
from assay.testing import make_run, make_training

CHECK = RateDecaysTooEarly()
LINE = Site("train.py", 9)
STEPS = 400


def losses(fall: float, until: int = 100) -> list[float]:
    """Losses that fall in a line until a step, with noise, and stand still after it."""
    return [1 - fall * min(i / until, 1) + 0.01 * math.sin(7.1 * i) for i in range(STEPS)]


def run(
    loss: Sequence[float], dead: int = STEPS // 2, faded: int = 100, low: float = 0.9e-4
) -> RunView:
    rates = {0: 0.1, faded: 0.009, dead: low}
    training = make_training(loss=loss, learning_rate={"group 0": rates}, steps=STEPS)
    training.built = 0
    made = make_run(training)
    made.optimizers.append(BuiltOptimizer(0, "SGD", training=0))
    return made


def drive(view: RunView, of: str, **facts: Any) -> RunView:
    view.schedulers.append(Scheduler(of, {}, LINE, **{"of": of, "optimizer": 0, **facts}))
    return view


def found(view: RunView) -> list[Finding]:
    return list(CHECK.review(view))


def test_the_loss_still_fell() -> None:
    (finding,) = found(run(losses(0.9)))
    assert finding.where.site == Site("train.py", 5, "<module>")  # the optimizer: set by hand
    assert finding.summary == (
        "from step 200 of 400 on the rate was under 0.001 of its largest, 0.1, and ended at 9e-05; "
        "the loss still fell when it began to fade"
    )
    (finding,) = found(drive(run(losses(0.9)), "ExponentialLR"))
    assert finding.where.site == LINE


def test_at_the_limits_of_the_rate() -> None:
    assert found(run(losses(0.9), dead=STEPS // 2 + 1)) == []
    assert found(run(losses(0.9), low=1.1e-4)) == []


def test_nothing_was_left_to_learn() -> None:
    assert found(run(losses(0.9, until=20))) == []
    assert found(run(losses(0.0), faded=160)) == []  # it stood still for long before


def test_hardly_anything_was_learnt_before_it_faded() -> None:
    (finding,) = found(run(losses(0.4, until=10), faded=10, dead=20))
    assert "the loss went from 1 to 0.5997" in finding.summary
    assert found(run(losses(0.6, until=10), faded=10, dead=20)) == []


def test_one_group_goes_on() -> None:
    view = run(losses(0.9))
    view.trainings[0].signals["learning_rate"]["group 1"] = Series([(0, 0.01)])
    assert found(view) == []


def test_a_plateau_has_its_reasons_and_a_wrong_unit_has_its_own_check() -> None:
    assert found(drive(run(losses(0.9)), "ReduceLROnPlateau")) == []
    assert found(drive(run(losses(0.9)), "StepLR", counts=Series([(STEPS, STEPS)]))) == []


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * STEPS])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert found(run(loss)) == []
    assert found(make_run(loss=loss)) == []
