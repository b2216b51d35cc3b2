"""Unit tests of `probabilities-as-logits`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.loss.probabilities_as_logits import ProbabilitiesAsLogits
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = ProbabilitiesAsLogits()
LINE = Site("train.py", 31, "<module>")
PLACE = "Categorical (train.py:31)"


def given(made_by: str, **more: Any) -> Event[Any]:
    facts = {"fn": "Categorical", "place": PLACE, "argument": "logits", "made_by": made_by,
             "over": None, "size": None, "shape": [32, 4], "setting": None, **more}  # fmt: skip
    return Event("loss_given", 0, facts, LINE)


def found(*events: Event[Any], **signals: Any) -> list[Any]:
    return list(CHECK.review(make_run(events=events, **signals)))


@pytest.mark.parametrize("made_by", ["softmax", "sigmoid"])
def test_probabilities_are_found_by_what_made_them(made_by: str) -> None:
    (finding,) = found(given(made_by))
    assert finding.where.site == LINE
    assert finding.summary.endswith(f"the output of a {made_by}")


def test_calls_without_gradients_do_not_hide_the_others() -> None:
    assert len(found(given(""), given("softmax"))) == 1


@pytest.mark.parametrize(
    ("dims", "count"), [([2.0] * 3, 1), ([2.0, 0.0], 0), ([1.0], 0), ([], 0), ([math.nan], 0)]
)
def test_without_a_graph_the_sums_tell(dims: list[float], count: int) -> None:
    assert len(found(given(""), probability_dims={PLACE: dims})) == count


@pytest.mark.parametrize("made_by", ["log_softmax", "linear", "Div", "log"])
def test_right_logits_are_silent(made_by: str) -> None:
    assert found(given(made_by), probability_dims={PLACE: [2.0]}) == []
    assert found(given("softmax"), given(made_by)) == []


def test_probabilities_as_probabilities_are_silent() -> None:
    assert found(given("softmax", argument="probs"), probability_dims={PLACE: [2.0]}) == []
