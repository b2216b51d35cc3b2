"""Healthy and not looked at are told apart: what a check requires is said with its figures."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from assay.checks.base import Check
from assay.checks.generalisation.overfitting import Overfitting
from assay.checks.loss.loss_not_decreasing import LossNotDecreasing
from assay.checks.loss.loss_not_finite import LossNotFinite
from assay.checks.optimizer.learning_rate_too_high import LearningRateTooHigh
from assay.checks.registry import CHECKS
from assay.cli.explain import page
from assay.diagnosis import diagnose
from assay.diagnosis.words import not_judged_if
from assay.journal.view import Evaluation, Event, RunView, Site
from assay.signals.constant import constant_loss, drift
from assay.signals.objective import why_not_only
from assay.testing import make_run, make_training

LINE = Site("train.py", 31, "<module>")
PLACE = "mse_loss (train.py:31)"


def called(**facts: Any) -> Event[Any]:
    given = {
        "fn": "mse_loss", "place": PLACE, "in_graph": True, "requires_grad": True,
        "reduction": "mean", "weighted": False, "target": {"shape": [8], "dtype": "float32"},
        "input": {"shape": [8], "dtype": "float32"}, **facts,
    }  # fmt: skip
    return Event("loss_call", 0, given, LINE)


def run(losses: list[float], *, means: list[float] | None = None, **facts: Any) -> RunView:
    count = len(losses)
    return make_run(
        events=[called(**facts)],
        loss=losses,
        loss_call_value={PLACE: losses},
        learning_rate={"group 0": [0.1]},
        target_mean={PLACE: means or [0.0] * count},
        target_std={PLACE: [1.0] * count},
    )


@pytest.mark.parametrize(
    ("view", "why"),
    [
        (run([1.0] * 32), '32 of the 150 samples of "Loss" that it needs'),
        (run([1.0] * 200, weighted=True), f"{PLACE} weights its classes"),
        (run([1.0] * 200, reduction="sum"), f'{PLACE} has reduction="sum", not "mean"'),
        (
            run([1.0] * 200, means=[0.1 * step for step in range(200)]),
            f"the targets of {PLACE} drift: their mean went from 2.45 to 17.4, by more than their "
            "spread of 1",
        ),
    ],
)
def test_what_a_training_lacks_is_said_with_its_figures(view: RunView, why: str) -> None:
    found = diagnose(view, [LossNotDecreasing()])
    assert found.skipped == {"loss-not-decreasing": why}
    assert found.silent == ()


def test_two_optimizers_of_one_process_share_a_loss() -> None:
    trainings = [
        make_training(index=index, loss=[1.0] * 200, learning_rate={"group 0": [0.1]})
        for index in (0, 1)
    ]
    why = LearningRateTooHigh().why_skipped(make_run(*trainings))
    assert why is not None
    assert why.startswith("2 optimizers stepped in this process")


def test_a_sum_of_losses_is_said_to_be_one() -> None:
    view = run([1.0] * 200)
    view.trainings[0].signals["loss"][""] = make_run(loss=[3.0] * 200).trainings[0].series("loss")
    why = LossNotDecreasing().why_skipped(view)
    assert why == f"the training loss is 3 where {PLACE} is 1: it is a sum of losses"


def test_a_run_that_can_be_judged_is_judged() -> None:
    falling = [2.0 - 0.009 * step for step in range(200)]
    assert diagnose(run(falling), [LossNotDecreasing()]).silent == ("loss-not-decreasing",)


def test_what_can_be_judged_in_one_training_only_says_so() -> None:
    long, short = run([1.0] * 200).trainings[0], run([1.0] * 9).trainings[0]
    short.index, short.process = 1, 1
    view = make_run(long, short, events=[called()])
    found = diagnose(view, [LossNotDecreasing()])
    assert "loss-not-decreasing" not in found.skipped
    why = '9 of the 150 samples of "Loss" that it needs'
    assert found.partly == {"loss-not-decreasing": {"SGD #1": why}}


def test_a_run_of_a_few_steps_is_judged_by_no_check_that_needs_more() -> None:
    skipped = diagnose(run([1.0] * 2), CHECKS).skipped
    assert {"loss-not-decreasing", "learning-rate-too-high"} <= skipped.keys()


def test_no_constant_suits_targets_that_drift() -> None:
    still = run([1.0] * 40).trainings[0]
    assert constant_loss(still, called()) == pytest.approx(1.0)
    assert drift(still, PLACE) is None
    moving = run([1.0] * 40, means=[0.2 * step for step in range(40)]).trainings[0]
    assert drift(moving, PLACE) == pytest.approx((0.9, 6.9, 1.0))
    assert constant_loss(moving, called()) is None


@pytest.mark.parametrize(
    ("weights", "severity", "why"),
    [
        ({0: 0.0, 5: 0.0}, "warning", "the weights stayed finite"),
        ({0: 0.0, 5: 1.0}, "error", "the weights are no longer finite"),
        ({0: 0.0}, "error", "no later step was sampled that would show them"),
    ],
)
def test_what_became_of_the_weights_is_read_from_them(
    weights: dict[int, float], severity: str, why: str
) -> None:
    view = make_run(loss=[1.0, *[math.inf] * 9], weight_nonfinite_share={"0.weight": weights})
    (finding,) = LossNotFinite().review(view)
    assert finding.severity == severity
    assert why in finding.why
    skips = any("skip" in tip for tip in finding.try_)
    assert skips == (severity == "error"), "skipping would skip every step"


def test_the_loss_is_said_to_be_nan_from_its_first_step_on() -> None:
    losses = [*[1.0] * 8, *[math.nan] * 92]
    (finding,) = LearningRateTooHigh().review(
        make_run(
            loss=losses,
            learning_rate={"group 0": [0.1]},
            rate_times_sharpness=[4.0],
            stability_limit=[2.0],
        )
    )
    assert "first not finite at step 8" in finding.summary


def test_limits_of_ones_own_hold_for_what_is_required() -> None:
    two = replace(Overfitting.limits["evaluations"], value=2)

    class Lenient(Overfitting):
        limits: ClassVar = {**Overfitting.limits, "evaluations": two}

    held = [Evaluation(step, "evaluate", 1.0, None, 8) for step in (0, 5, 9)]
    view = make_run(make_training(loss=[1.0] * 10, evaluations=held))
    assert Overfitting().why_skipped(view) == "3 of the 6 evaluations that it needs"
    assert Lenient().why_skipped(view) is None


@pytest.mark.parametrize(("second", "one"), [(range(100, 200), True), (range(99, 199), False)])
def test_lines_that_take_turns_are_one_loss(second: range, one: bool) -> None:
    calls = [
        called(fn="cross_entropy", place=place, input={"shape": [8, 4], "dtype": "float32"},
               target={"shape": [8], "dtype": "int64"})
        for place in ("a", "b")
    ]  # fmt: skip
    values = {"a": dict.fromkeys(range(100), 1.0), "b": dict.fromkeys(second, 1.0)}
    view = make_run(events=calls, loss=[1.0] * 200, loss_call_value=values)
    why = why_not_only(view, view.trainings[0])
    assert why == (None if one else "2 calls of loss functions were seen, as a and b")


@pytest.mark.parametrize("check", [c for c in CHECKS if c.requires], ids=lambda c: c.name)
def test_a_page_lists_what_a_check_requires(check: Check) -> None:
    lines = not_judged_if(check)
    assert len(lines) == len(check.requires)
    for line in lines:
        said = line.removeprefix("- ")
        assert said[0].islower()
        assert not said.startswith(("says", "returns"))
        assert not said.endswith(".")
    assert "\n".join(["## A training is not judged if", "", *lines]) in page(check, CHECKS)
