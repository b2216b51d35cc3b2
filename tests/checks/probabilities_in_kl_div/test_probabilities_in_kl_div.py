"""Unit tests of `probabilities-in-kl-div`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.loss.probabilities_in_kl_div import ProbabilitiesInKlDiv
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = ProbabilitiesInKlDiv()
LINE = Site("train.py", 31, "<module>")
PLACE = "kl_div (train.py:31)"


def given(made_by: str, **more: Any) -> Event[Any]:
    facts = {"fn": "kl_div", "place": PLACE, "argument": "input", "made_by": made_by,
             "over": None, "size": None, "shape": [32, 4], "setting": None, **more}  # fmt: skip
    return Event("loss_given", 0, facts, LINE)


def found(*events: Event[Any], **signals: Any) -> list[Any]:
    return list(CHECK.review(make_run(events=events, **signals)))


def test_an_input_that_sums_to_one_is_found() -> None:
    (finding,) = found(given("softmax"), probability_dims={PLACE: [2.0] * 4})
    assert finding.where.site == LINE
    assert "at all 4 sampled calls its input was non-negative and summed to 1" in finding.summary


def test_a_sigmoid_is_found_by_what_made_it() -> None:
    (finding,) = found(given("sigmoid"), loss_input_min={PLACE: [0.1]})
    assert "the output of a sigmoid" in finding.summary


@pytest.mark.parametrize("dims", [[], [0.0] * 3, [2.0, 0.0], [math.nan]])
def test_logarithms_are_silent(dims: list[float]) -> None:
    low = {PLACE: [-3.0] * 3}
    assert found(given("log_softmax"), probability_dims={PLACE: dims}, loss_input_min=low) == []


@pytest.mark.parametrize("setting", [True, False])
def test_a_target_is_judged_where_it_ought_to_be_a_logarithm(setting: bool) -> None:
    events = given("log_softmax", setting=setting), given("softmax", argument="target")
    says = found(*events, target_probability_dims={PLACE: [2.0] * 3})
    assert [("log_target=True" in finding.summary) for finding in says] == [True] * setting


def test_no_sample_is_no_evidence() -> None:
    assert found(given("softmax", setting=True)) == []
    assert pytest.approx(1.0) == CHECK.limit("share")
