"""Unit tests of `sigmoid-before-bce-with-logits`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.loss.sigmoid_before_bce_with_logits import SigmoidBeforeBceWithLogits
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = SigmoidBeforeBceWithLogits()
LINE = Site("train.py", 31, "<module>")
PLACE = "binary_cross_entropy_with_logits (train.py:31)"


def given(made_by: str, **more: Any) -> Event[Any]:
    facts = {"fn": "binary_cross_entropy_with_logits", "place": PLACE, "argument": "input",
             "made_by": made_by, "over": None, "size": None, "shape": [32, 4], "setting": None,
             **more}  # fmt: skip
    return Event("loss_given", 0, facts, LINE)


def found(*events: Event[Any], **signals: Any) -> list[Any]:
    return list(CHECK.review(make_run(events=events, **signals)))


@pytest.mark.parametrize("made_by", ["sigmoid", "softmax"])
def test_probabilities_are_found_by_what_made_them(made_by: str) -> None:
    (finding,) = found(given(made_by))
    assert finding.where.site == LINE
    assert finding.summary.endswith(f"the output of a {made_by}")


@pytest.mark.parametrize("made_by", ["linear", "", "Mul", "log_sigmoid", "relu"])
def test_other_inputs_are_silent(made_by: str) -> None:
    assert found(given(made_by)) == []


def test_one_call_that_is_right_is_enough_to_be_silent() -> None:
    assert found(given("sigmoid"), given("linear")) == []
    assert len(found(given("sigmoid"), given("sigmoid", shape=[1, 4]))) == 1


def test_other_losses_and_targets_are_silent() -> None:
    assert found(given("sigmoid", fn="binary_cross_entropy")) == []
    assert found(given("sigmoid", argument="target")) == []
    assert math.isclose(CHECK.limit("ways"), 1)
