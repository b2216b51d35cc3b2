"""The check `loss-not-decreasing` at its limits, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.loss.loss_not_decreasing import LossNotDecreasing
from assay.journal.series import Series
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run, make_training, only_finding

NAN = math.nan
LINE = Site("train.py", 31, "<module>")
CE = "cross_entropy (train.py:31)"


def call(fn: str = "cross_entropy", place: str = CE, shape=(64, 4), target=(64,), **more) -> Event:
    facts = {
        "fn": fn,
        "place": place,
        "input": {"shape": list(shape), "dtype": "float32"},
        "target": {"shape": list(target), "dtype": "int64"} if target is not None else None,
        "requires_grad": True,
        "in_graph": True,
        "reduction": "mean",
        "label_smoothing": 0.0,
        "weighted": False,
        "producer": "Addmm",
        **more,
    }
    return Event("loss_call", 0, facts, LINE)


def wiggle(i: int) -> float:
    return 0.02 * math.sin(12.9898 * i * i)


def curve(begin: float, end: float, steps: int = 200, knee: float = 0.2, events=None, **more):
    """Falls in a straight line to `end` over the first `knee` of the run, then stays."""
    flat = max(int(knee * steps), 1)
    loss = [begin + (end - begin) * min(i / flat, 1) + wiggle(i) for i in range(steps)]
    counts = {str(c): [16.0] * 32 for c in range(4)}
    return make_run(
        loss=loss,
        loss_call_value={CE: loss[:32]},
        label_count=counts,
        events=[call()] if events is None else events,
        **more,
    )


CHANCE = math.log(4)


def test_a_loss_at_chance_is_found() -> None:
    finding = only_finding(LossNotDecreasing(), curve(CHANCE, CHANCE))
    assert finding.severity == "warning"
    assert finding.where.site == LINE
    assert finding.evidence[0].value == pytest.approx(1.0, abs=0.01)


def test_a_loss_that_rises_has_fallen_by_nothing() -> None:
    """It was said to be -15 standard errors, with a limit of 2."""
    rising = [CHANCE + 0.001 * i + wiggle(i) for i in range(200)]
    run = curve(CHANCE, CHANCE)
    rises = make_run(
        loss=rising, loss_call_value={CE: rising[:32]}, events=[call()],
        label_count={str(c): [16.0] * 32 for c in range(4)},
    )  # fmt: skip
    assert [e.unit for e in only_finding(LossNotDecreasing(), rises).evidence] == [
        "of a constant's loss"
    ]
    for evidence in only_finding(LossNotDecreasing(), run).evidence[1:]:
        assert 0 < evidence.value <= (evidence.limit or 0)


def test_a_loss_that_lost_what_it_had_learnt_is_said_to_have() -> None:
    """What began after it had learnt comes of what happened then."""
    loss = [max(CHANCE - 0.01 * i, 0.4) if i < 120 else CHANCE + wiggle(i) for i in range(240)]
    run = make_run(
        loss=loss, loss_call_value={CE: loss[:32]}, events=[call()],
        label_count={str(c): [16.0] * 32 for c in range(4)},
    )  # fmt: skip
    finding = only_finding(LossNotDecreasing(), run)
    assert "has lost all that it had learnt" in finding.why
    assert finding.onset[0] == 96
    assert only_finding(LossNotDecreasing(), curve(CHANCE, CHANCE)).onset[0] == 0


def test_a_loss_that_starts_high_and_stays_at_chance_is_found() -> None:
    assert only_finding(LossNotDecreasing(), curve(20.0, CHANCE))


@pytest.mark.parametrize(
    "run",
    [
        curve(CHANCE, 0.9 * CHANCE),
        curve(0.3, 0.3),  # converged before it began
        curve(20.0, CHANCE, knee=1.2),  # high, and still falling
        curve(CHANCE, CHANCE, steps=149),  # too short
        curve(CHANCE, CHANCE, learning_rate={"group 0": [i / 200 for i in range(200)]}),
        curve(CHANCE, CHANCE, events=[call(), call("mse_loss", place="mse_loss (train.py:40)")]),
        curve(CHANCE, CHANCE, events=[call(weighted=True)]),
        curve(CHANCE, CHANCE, events=[call(reduction="sum")]),
        curve(CHANCE, CHANCE, events=[]),
        curve(NAN, NAN),
    ],
)
def test_losses_that_may_well_be_right_are_silent(run: RunView) -> None:
    assert not list(LossNotDecreasing().review(run))


def test_a_loss_of_which_the_call_is_a_part_is_silent() -> None:
    run = curve(CHANCE, CHANCE)
    run.trainings[0].signals["loss_call_value"][CE] = Series([(0, 0.8), (1, 0.8)])
    assert not list(LossNotDecreasing().review(run))


def test_two_optimizers_are_silent() -> None:
    run = curve(CHANCE, CHANCE)
    run.trainings.append(make_training(index=1, loss=[CHANCE] * 200))
    assert not list(LossNotDecreasing().review(run))


def test_a_rate_that_has_finished_its_warm_up_is_judged() -> None:
    rates = [min(i / 20, 1.0) * (1 - i / 1000) for i in range(200)]
    assert only_finding(
        LossNotDecreasing(), curve(CHANCE, CHANCE, learning_rate={"group 0": rates})
    )
