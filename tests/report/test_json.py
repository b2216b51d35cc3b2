"""The JSON report keeps its contract."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from assay.report import Report
from assay.report.json import write_json

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
