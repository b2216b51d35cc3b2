"""Unit tests of `frozen-by-accident`, on invented runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from assay.checks.finding import Finding
from assay.checks.optimizer.frozen_by_accident import FrozenByAccident
from assay.journal.view import Event, Site
from assay.testing import make_run, make_training

CHECK = FrozenByAccident()
STEPS = int(CHECK.limit("steps"))


def found(
    *groups: Sequence[float],
    rates: Sequence[float] = (0.1, 0.1),
    vain: Sequence[float] = (),
    attribute: str = "requires_grad",
    steps: int = STEPS,
) -> list[Finding]:
    training = make_training(
        steps=steps,
        frozen_share={f"group {i}": list(shares) for i, shares in enumerate(groups)},
        learning_rate={f"group {i}": [rate] for i, rate in enumerate(rates[: len(groups)])},
        **({"thawed_in_vain": {"block": list(vain)}} if vain else {}),
    )
    facts = {"place": "block", "attribute": attribute, "line": ["train.py", 8, ""]}
    events: list[Event[Any]] = [Event("vain_thaw", 0, facts, training=0)] if vain else []
    return list(CHECK.review(make_run(training, events=events)))


def test_an_attribute_of_a_module_thaws_nothing() -> None:
    (finding,) = found([0.5] * 3, vain=[1.0, 1.0])
    assert (finding.severity, finding.where.site) == ("error", Site("train.py", 8))
    assert finding.summary == (
        "`requires_grad = True` was set on the module block, and all parameters of this module "
        "were frozen at all 2 sampled steps"
    )
    assert found([0.5] * 3, vain=[1.0, 0.5]) == []  # thawed later, by another line
    (finding,) = found([0.5] * 3, vain=[1.0], attribute="require_grad")
    assert "on block, and it was frozen" in finding.summary


def test_an_optimizer_of_frozen_parameters() -> None:
    (finding,) = found([1.0] * 3, [1.0] * 3)
    assert (finding.severity, finding.tier) == ("error", "exact")
    assert found([1.0] * 3, [1.0, 1.0, 0.9], rates=[0.1, 0.1]) == []  # one group of two


def test_a_group_with_a_rate_of_its_own() -> None:
    (finding,) = found([1.0] * 3, [0.0] * 3, rates=[0.01, 0.1])
    assert (finding.severity, finding.where.group) == ("warning", 0)
    assert found([1.0] * 3, [0.0] * 3, rates=[0.0, 0.1]) == []  # it is not to move


def test_at_the_limits() -> None:
    assert found([1.0] * 3, steps=STEPS - 1) == []
    assert found([1.0] * 2) == []
    assert found([1.0, 1.0, 0.99]) == []


@pytest.mark.parametrize("loss", [[], [1.0], [math.nan] * 5])
def test_runs_that_cannot_be_judged_are_silent(loss: list[float]) -> None:
    assert list(CHECK.review(make_run(loss=loss))) == []
