"""What the parent makes of the rungs: where the fault lies, and how that is shown."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from assay.checks.registry import CHECKS
from assay.diagnosis.ladder import LOOK, QUESTIONS, Ladder, Rung, ladder_of, read_ladder
from assay.journal.view import RunView
from assay.report import make_report
from assay.report.ending import not_moved
from assay.report.glyphs import ASCII
from assay.report.terminal import render
from assay.testing import make_run, make_training


def ladder(**states: str) -> Ladder:
    return Ladder(tuple(Rung(name, state, f"said of {name}", {}) for name, state in states.items()))


@pytest.mark.parametrize(
    ("states", "below", "broken"),
    [
        ({"batch": "passes", "optimizer": "fails"}, "batch", "optimizer"),
        ({"data": "passes", "batch": "untried", "optimizer": "fails"}, "data", "optimizer"),
        ({"batch": "fails", "optimizer": "fails"}, None, "batch"),
        ({"batch": "untried", "optimizer": "untried"}, None, None),
        ({"batch": "passes", "optimizer": "passes"}, None, None),
        ({}, None, None),
    ],
)
def test_fault_lies_at_the_lowest_rung_that_fails(
    states: dict[str, str], below: str | None, broken: str | None
) -> None:
    found = ladder(**states)
    assert (found.below and found.below.name) == below
    assert (found.broken and found.broken.name) == broken
    told = found.as_dict()
    assert (told["below"], told["broken"]) == (below, broken)
    assert told["look"] == (LOOK[broken] if broken else None)
    json.dumps(told, allow_nan=False)


def test_verdict_names_both_rungs_and_never_calls_an_untried_ladder_well() -> None:
    assert "between batch and optimizer" in ladder(batch="passes", optimizer="fails").verdict()
    assert "at batch" in ladder(batch="fails").verdict()
    assert ladder(batch="untried").verdict() == "no rung could be tried"
    assert ladder(batch="passes", mode="untried").verdict() == "no rung fails, 1 of 2 hold"


def test_every_rung_has_a_question_and_a_place_to_look_at() -> None:
    assert set(LOOK) == set(QUESTIONS)


def test_numbers_that_json_has_none_for_are_null() -> None:
    found = Ladder((Rung("batch", "fails", "said", {"last": math.nan, "steps": 3}),))
    assert found.as_dict()["rungs"][0]["numbers"] == {"last": None, "steps": 3}


def test_run_that_never_climbed_says_why(tmp_path: Path) -> None:
    assert read_ladder(tmp_path) is None
    assert read_ladder(None) is None
    (tmp_path / "ladder").mkdir()
    (tmp_path / "ladder" / "run.json").write_text('{"exit_code": 3}')
    found = read_ladder(tmp_path)
    assert found is not None
    assert found.rungs == ()
    assert "status 3" in found.why
    assert ladder_of(RunView()).why


def test_report_shows_the_ladder_in_one_line_and_why_a_rung_was_not_tried() -> None:
    training = make_training(steps=200)
    report: Any = make_report(make_run(training), CHECKS)
    import dataclasses

    rungs = ladder(batch="passes", optimizer="fails", stream="untried")
    text = render(dataclasses.replace(report, ladder=rungs), width=80, glyphs=ASCII)
    assert "ladder: batch +  optimizer x  stream ?\n" in text
    assert "The fault lies between batch and optimizer: said of optimizer." in text
    assert "? stream could not be tried: said of stream" in text


def test_run_that_has_climbed_is_not_sent_to_climb() -> None:
    import dataclasses

    report = make_report(make_run(loss=[2.3 + 0.01 * (-1) ** step for step in range(400)]), CHECKS)
    assert "check --deep" in (not_moved(report) or "")
    climbed = dataclasses.replace(report, ladder=ladder(batch="passes"))
    assert (not_moved(climbed) or "").endswith("no check knows why")
