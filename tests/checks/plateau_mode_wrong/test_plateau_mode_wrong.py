"""Unit tests of `plateau-mode-wrong`, on invented runs."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Sequence

import pytest

from assay.checks.finding import Finding
from assay.checks.schedule.plateau_mode_wrong import PlateauModeWrong
from assay.journal.schedulers import Scheduler
from assay.journal.series import Series
from assay.journal.view import BuiltOptimizer, Evaluation, RunView, Site
from assay.signals.shares import are_shares
from assay.testing import make_run, make_training

CHECK = PlateauModeWrong()
LINE = Site("train.py", 9)
RIGHT = [k / 497 for k in (163, 250, 301, 344, 380, 390, 400, 401)]
"""Accuracies of eight epochs."""


def run(
    metrics: Sequence[float],
    mode: str = "min",
    *,
    losses: tuple[float, float] = (2.3, 1.1),
    rates: tuple[float, float] = (0.01, 0.001),
    evaluations: Sequence[Evaluation] = (),
) -> RunView:
    count = 10 * len(metrics)
    training = make_training(
        loss=[losses[0] + (losses[1] - losses[0]) * i / max(count, 1) for i in range(count)],
        learning_rate={"group 0": {0: rates[0], count // 2: rates[1]}},
        evaluations=evaluations,
    )
    made = make_run(training)
    made.optimizers.append(BuiltOptimizer(0, "SGD", training=0))
    made.schedulers.append(
        Scheduler(
            "ReduceLROnPlateau", {"mode": mode}, LINE, optimizer=0, of="ReduceLROnPlateau",
            metrics=Series((10 * (i + 1), value) for i, value in enumerate(metrics)),
        )
    )  # fmt: skip
    return made


def evaluated(metrics: Sequence[float], what: str) -> list[Evaluation]:
    return [
        Evaluation(10 * (i + 1), "cross_entropy", *((v, None) if what == "loss" else (9.0, v)), 400)
        for i, v in enumerate(metrics)
    ]


def found(view: RunView) -> list[Finding]:
    return list(CHECK.review(view))


def test_an_accuracy_is_minimised() -> None:
    (finding,) = found(run(RIGHT))
    assert (finding.where.site, finding.severity, finding.tier) == (LINE, "error", "exact")
    assert "mode='min' was given a metric that rose from 0.328 to 0.8068" in finding.summary
    assert len(found(run([100 * value for value in RIGHT]))) == 1
    assert found(run(RIGHT, "max")) == []


def test_a_score_that_is_no_share_is_told_by_its_size() -> None:
    scores = [0.31415, 0.4142135, 0.57721566, 0.6180339, 0.6931471, 0.7071067]
    (finding,) = found(run(scores, losses=(2.3, 0.1)))
    assert (finding.severity, finding.tier) == ("warning", "heuristic")
    assert found(run(scores, losses=(0.5, 0.3))) == []  # it may be a validation loss


def test_the_very_loss_of_the_evaluations_may_go_any_way() -> None:
    """Where it is best early and then better still, nothing but its name tells."""
    losses = [0.2866, 0.3270, 0.2845, 0.2786, 0.2733]
    (finding,) = found(run(losses, "max", evaluations=evaluated(losses, "loss")))
    assert finding.severity == "error"
    assert "was given the held-out loss (0.2866 at first, 0.2733 at last)" in finding.summary
    near = [value * 1.001 for value in losses]
    assert found(run(near, "max", evaluations=evaluated(losses, "loss"))) == []
    assert found(run(losses, "min", evaluations=evaluated(losses, "loss"))) == []
    assert found(run(losses, "max", rates=(0.1, 0.1), evaluations=evaluated(losses, "loss"))) == []
    worse = [0.9, 0.5, 0.6, 0.4]
    (finding,) = found(run(worse, "min", evaluations=evaluated(worse, "accuracy")))
    assert "the held-out accuracy" in finding.summary


def test_what_evaluations_had_is_known() -> None:
    scores = [0.31415, 0.4142135, 0.57721566, 0.6180339]
    assert found(run(scores, evaluations=evaluated(scores, "accuracy")))[0].severity == "error"
    assert found(run(scores, evaluations=evaluated(scores, "loss"))) == []
    errors = [1 - value for value in RIGHT]
    assert found(run(RIGHT, evaluations=evaluated(errors, "accuracy"))) == []  # an error rate


def test_a_loss_is_maximised() -> None:
    losses = [2.31, 1.97, 1.71, 1.52, 1.33, 1.16]
    assert found(run(losses, "max"))[0].severity == "warning"
    assert found(run(losses, "max", evaluations=evaluated(losses, "loss")))[0].severity == "error"
    assert found(run([1 - v for v in RIGHT], "max", losses=(0.7, 0.2))) == []  # shares


@pytest.mark.parametrize(
    "changes",
    [
        {"rates": (0.01, 0.01)},
        {"losses": (1.1, 2.3)},
        {"losses": (math.nan, math.nan)},
        {"metrics": RIGHT[:3]},
        {"metrics": RIGHT[::-1]},
        {"metrics": [RIGHT[4], *RIGHT]},  # it was lower by far later on
        {"metrics": [math.nan] * 8},
        {"metrics": []},
    ],
)
def test_what_stays_silent(changes: dict[str, object]) -> None:
    assert found(run(**{"metrics": RIGHT, **changes})) == []  # type: ignore[arg-type]


def test_at_the_limit_of_a_dip() -> None:
    """What is sure to be an accuracy may fall further at first than what may be a loss."""
    scores = [0.31415, 0.4142135, 0.57721566, 0.6180339, 0.6931471, 0.7071067]
    span = scores[-1] - scores[0]
    for dip, silent in ((0.04, False), (0.06, True)):  # the range grows with the dip
        metrics = [scores[0], scores[0] - span * dip / (1 - dip), *scores[1:]]
        assert (found(run(metrics, losses=(2.3, 0.1))) == []) is silent
    high = [k / 497 for k in (240, 120, 250, 301, 344, 350, 351, 353)]
    assert len(found(run([163 / 497, 121 / 497, *RIGHT[1:]]))) == 1
    assert found(run(high)) == []


def test_shares_of_counts() -> None:
    def single(value: float) -> float:
        return float(struct.unpack("f", struct.pack("f", value))[0])

    assert are_shares(RIGHT)
    assert are_shares([single(value) for value in RIGHT])
    assert are_shares([100 * single(value) for value in RIGHT])
    assert are_shares(
        [(a / 250 + b / 247) / 2 for a, b in ((9, 11), (31, 77), (90, 83), (99, 101))]
    )
    draw = random.Random(0)
    for _ in range(200):
        values = [draw.random() for _ in range(6)]
        assert are_shares(values) is False
        assert are_shares([single(value) for value in values]) is False
    assert are_shares([0.12, 0.25, 0.5, 0.81]) is None  # rounded, perhaps
    assert are_shares(RIGHT[:3]) is None
    assert are_shares([-0.1, 1 / 3, 1 / 7, 1 / 11]) is False
