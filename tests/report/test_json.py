"""The JSON report keeps its contract."""

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from assay.checks.base import Check
from assay.checks.finding import Finding
from assay.journal.view import RunView
from assay.report import Report
from assay.report.json import write_json
from assay.report.model import make_report
from assay.testing import make_run

Make = Callable[[str], Report]
DOCS = Path(__file__).parents[2] / "docs" / "reference"


@pytest.fixture(scope="module")
def schema() -> Any:
    schema = json.loads((DOCS / "report.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_every_report_keeps_the_schema(report: Report, schema: Any, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    write_json(report, str(target))
    written = json.loads(target.read_text(encoding="utf-8"))
    schema.validate(written)
    assert written["observed"] is report.observed
    assert [f["check"] for f in written["findings"]] == [f.check for f in report.findings]


def test_the_schema_can_fail(make_case: Make, schema: Any) -> None:
    broken = make_case("warning").as_dict()
    broken["findings"][0]["severity"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        schema.validate(broken)


def test_numbers_that_json_cannot_write_are_words(make_case: Make) -> None:
    (finding,) = make_case("strange-text").as_dict()["findings"]
    assert finding["evidence"][0]["value"] == "nan"
    assert finding["evidence"][0]["limit"] == "inf"


def test_signals_are_named(make_case: Make) -> None:
    run = make_case("killed").as_dict()["run"]
    assert (run["exit_code"], run["signal"]) == (None, "SIGKILL")


def test_why_nothing_was_observed_is_told(make_case: Make) -> None:
    report = make_case("unseen-no-torch").as_dict()
    assert report["not_observed"] == "the script never imported torch"
    assert report["silent"] == []
    assert report["skipped"] == {"all-well": "no training step was seen"}


class Broken(Check):
    """Raises as it looks."""

    name, family, severity, tier = "broken", "loss", "error", "exact"
    needs = reads = ("loss",)

    def review(self, run: RunView) -> Iterator[Finding]:
        raise ZeroDivisionError("division by zero")


def test_parts_of_assay_that_failed_are_named(schema: Any) -> None:
    run = make_run(loss=[1.0])
    written = make_report(run, [Broken()]).as_dict()
    assert written["failed"] == {"checks": {"broken": "ZeroDivisionError: division by zero"}}
    run.failed["losses"] = "ValueError: no"
    written = make_report(run, []).as_dict()
    assert written["failed"] == {"probes": {"losses": "ValueError: no"}}
    schema.validate(written)
    assert "failed" not in make_report(make_run(loss=[1.0]), []).as_dict()


def test_symptoms_of_symptoms_belong_to_the_root(make_case: Make) -> None:
    report = make_case("cause-with-symptoms")
    ((cause, symptoms),) = report.causes()
    assert cause.check == "zero-grad-missing"
    assert {f.check for f in symptoms} == {
        "loss-not-decreasing", "exploding-gradient", "dead-units",
    }  # fmt: skip


def test_a_file_is_replaced_whole(make_case: Make, tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("old")
    write_json(make_case("healthy"), str(target))
    assert json.loads(target.read_text())["schema"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~mask


def test_standard_output(make_case: Make, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write_json(make_case("strange-text"), "-")
    assert json.loads(capfdbinary.readouterr().out)["schema"] == 1


@pytest.mark.parametrize(
    ("name", "level", "fails"),
    [
        ("cause-with-symptoms", "error", True),
        ("warning", "error", False),
        ("warning", "warning", True),
        ("note", "warning", False),
        ("warning", None, False),
        ("healthy", "warning", False),
    ],
)
def test_levels(make_case: Make, name: str, level: str | None, fails: bool) -> None:
    assert make_case(name).fails(level) is fails
