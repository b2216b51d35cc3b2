"""The ladder of `assay fix`, where nothing was found, and on the page."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assay.checks.registry import CHECKS
from assay.cli import fix
from assay.diagnosis.ladder import Ladder, Rung
from assay.report import make_report
from assay.report.page import render_page
from assay.testing import make_run, make_training

BROKEN = Ladder(
    (Rung("batch", "passes", "learnt <by heart>", {}), Rung("optimizer", "fails", "said", {}))
)


@pytest.fixture
def fixing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[int, list[str]]]:
    """Ends `assay fix` with nothing found, a loss that stood or fell, and a ladder of that kind."""

    def run(*, still: bool, ladder: Ladder | None, sick: bool = False) -> tuple[int, list[str]]:
        told: list[str] = []
        report = SimpleNamespace(
            view=None, folder=tmp_path, unmoved=[1] if still else [], ladder=ladder
        )
        trial: Any = SimpleNamespace(verdicts=[], trouble="", interrupted="", steps=None)
        monkeypatch.setattr(fix, "find_cure", lambda *given: (trial, sick))
        monkeypatch.setattr(fix, "report_of", lambda trial: report)
        monkeypatch.setattr(fix, "deepen", lambda *given, **named: told.append("climbed"))
        monkeypatch.setattr(fix, "complain", told.append)
        return fix.main(["train.py"]), told

    return run


def test_fix_climbs_where_nothing_was_found_and_the_loss_stands(
    fixing: Callable[..., tuple[int, list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert fixing(still=True, ladder=BROKEN) == (1, ["climbed"])
    assert "between batch and optimizer" in capsys.readouterr().err


@pytest.mark.parametrize(("still", "sick"), [(False, False), (True, True), (False, True)])
def test_fix_does_not_climb_where_something_was_found_or_the_loss_falls(
    still: bool, sick: bool, fixing: Callable[..., tuple[int, list[str]]]
) -> None:
    status, told = fixing(still=still, ladder=BROKEN, sick=sick)
    assert status == int(sick)
    assert "climbed" not in told
    assert len(told) == 1


def test_fix_ends_well_where_no_rung_fails(
    fixing: Callable[..., tuple[int, list[str]]],
) -> None:
    well = Ladder((Rung("batch", "passes", "said", {}),))
    assert fixing(still=True, ladder=well) == (0, ["climbed"])


def test_page_shows_each_rung_with_its_question() -> None:
    import dataclasses

    report = make_report(make_run(make_training(steps=200)), CHECKS)
    assert 'id="ladder"' not in render_page(report)
    page = render_page(dataclasses.replace(report, ladder=BROKEN))
    assert 'id="ladder"' in page
    assert "learn one batch by heart?" in page
    assert "Learnt &lt;by heart&gt;" in page


def test_deep_is_an_option_of_check_alone() -> None:
    assert isinstance(fix.fix_parser().parse_args([]), argparse.Namespace)
    with pytest.raises(Exception, match="deep"):
        fix.fix_parser().parse_args(["--deep"])
