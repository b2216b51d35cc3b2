"""Unit tests of `ctc-input-too-short`, on invented runs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from assay.checks.loss.ctc_input_too_short import CtcInputTooShort
from assay.journal.view import Event, Site
from assay.testing import make_run

CHECK = CtcInputTooShort()
LINE = Site("train.py", 31, "<module>")
PLACE = "ctc_loss (train.py:31)"


def given(made_by: str, **more: Any) -> Event[Any]:
    facts = {"fn": "ctc_loss", "place": PLACE, "argument": "input", "made_by": made_by,
             "over": None, "size": None, "shape": [32, 4], "setting": None, **more}  # fmt: skip
    return Event("loss_given", 0, facts, LINE)


def found(*events: Event[Any], **signals: Any) -> list[Any]:
    return list(CHECK.review(make_run(events=events, **signals)))


def test_one_sample_that_does_not_fit_makes_the_loss_infinite() -> None:
    (finding,) = found(
        given("log_softmax", setting=False), ctc_impossible={PLACE: [0.0, 0.02, 0.0]}
    )
    assert finding.where.site == LINE
    assert finding.steps == (1, 1)
    assert "infinite" in finding.why


@pytest.mark.parametrize(
    ("share", "forgiven", "count"),
    [(0.0, False, 0), (0.001, False, 1), (0.5, True, 0), (0.51, True, 1), (math.nan, False, 0)],
)
def test_at_the_limit(share: float, forgiven: bool, count: int) -> None:
    event = given("log_softmax", setting=forgiven)
    assert len(found(event, ctc_impossible={PLACE: [share] * 3})) == count


def test_no_sample_is_silent() -> None:
    assert found(given("log_softmax", setting=False)) == []
