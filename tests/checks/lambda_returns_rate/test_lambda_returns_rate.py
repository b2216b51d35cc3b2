"""Unit tests of `lambda-returns-rate`, on invented runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.schedule.lambda_returns_rate import LambdaReturnsRate
from assay.journal.schedulers import Scheduler
from assay.journal.series import Series
from assay.journal.view import BuiltOptimizer, RunView, Site
from assay.testing import make_run, make_training

CHECK = LambdaReturnsRate()
LINE = Site("train.py", 9)


def run(rates: Sequence[float], base: float = 0.01, **facts: Any) -> RunView:
    made = make_run(make_training(learning_rate={"group 0": rates}))
    made.optimizers.append(BuiltOptimizer(0, "SGD", training=0))
    given: dict[str, Any] = {
        "kind": "LambdaLR", "of": "LambdaLR", "base": (base,), "site": LINE, "optimizer": 0,
        "counts": Series([(len(rates), len(rates))]),
    }  # fmt: skip
    made.schedulers.append(Scheduler(**{**given, **facts}))
    return made


def found(view: RunView) -> list[Finding]:
    return list(CHECK.review(view))


def test_the_square_of_the_rate() -> None:
    (finding,) = found(run([1e-4 * 0.97**i for i in range(10)]))
    assert (finding.where.site, finding.severity) == (LINE, "error")
    assert "at most 0.0001, the square of 0.01" in finding.summary
    assert len(found(run([2e-5, 6e-5, 1e-4, 8e-5]))) == 1  # with a warm-up
    assert len(found(run([0.7e-4, 0.5e-4, 0.3e-4]))) == 1  # the first value is decayed already
    assert found(run([0.49e-4, 0.4e-4, 0.3e-4])) == []


def test_the_rate_of_another_group_counts_too() -> None:
    view = run([1e-6, 0.9e-6, 0.8e-6], base=1e-4)
    assert found(view) == []
    view.schedulers[0].base = (1e-4, 1e-2)
    assert len(found(view)) == 1


def test_a_factor_that_still_rises_and_one_that_never_changes() -> None:
    assert found(run([0.01, 0.01, 0.05, 0.1], base=0.1)) == []
    assert found(run([1e-4, 1e-4], counts=Series([(2, 2.0)]))) == []
    assert len(found(run([1e-4, 1e-4, 1e-4], counts=Series([(3, 3.0)])))) == 1


def test_a_product_of_rates() -> None:
    kind = {"kind": "MultiplicativeLR", "of": "MultiplicativeLR"}
    assert len(found(run([1e-2, 1e-4, 0.95e-6, 0.9e-8], **kind))) == 1
    assert found(run([1e-2, 0.95e-2, 0.9e-2], **kind)) == []
    assert found(run([1e-2, 1e-4], **kind)) == []


@pytest.mark.parametrize(
    "facts",
    [{"base": 1.0}, {"start": 30.0}, {"start": None}, {"of": "StepLR"}, {"held": True},
     {"optimizer": None}],
)  # fmt: skip
def test_what_stays_silent(facts: dict[str, Any]) -> None:
    base = facts.pop("base", 0.01)
    assert found(run([base**2 * 0.9**i for i in range(5)], base, **facts)) == []


def test_two_schedulers_on_one_optimizer_are_not_told_apart() -> None:
    view = run([1e-4, 0.9e-4, 0.8e-4])
    view.schedulers.append(Scheduler("StepLR", of="StepLR", optimizer=0))
    assert found(view) == []


@pytest.mark.parametrize("rates", [[], [math.nan] * 4, [0.0, 0.0, 0.0]])
def test_runs_that_cannot_be_judged_are_silent(rates: list[float]) -> None:
    assert found(run(rates)) == []
    assert CHECK.why_skipped(make_run(learning_rate={"group 0": [1.0]})) == (
        "no scheduler of torch was built"
    )
