"""`--sarif`: findings on the line, from the run itself and from an old record."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.cli.main import main
from assay.testing.folders import steps_line, write_run


def test_check(assay: Any, script: Callable[..., str], tmp_path: Path) -> None:
    done = assay("check", "--sarif", "out.sarif", "--fail-on", "error", script())
    assert (done.returncode, done.stdout) == (1, "done\n")
    (run,) = json.loads((tmp_path / "out.sarif").read_text())["runs"]
    result = run["results"][0]
    assert result["ruleId"] == "zero-grad-missing"
    physical = result["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"] == {"uri": "train.py", "uriBaseId": "%SRCROOT%"}
    line = physical["region"]["startLine"]
    assert (tmp_path / "train.py").read_text().splitlines()[line - 1].strip() == (
        physical["region"]["snippet"]["text"].strip()
    )
    (invocation,) = run["invocations"]
    assert (invocation["exitCode"], invocation["executionSuccessful"]) == (0, True)
    assert invocation["startTimeUtc"] < invocation["endTimeUtc"]


def test_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "run", [steps_line(0, [1.0, 0.5, "nan", "nan"])])
    with pytest.raises(SystemExit) as ended:
        main(["report", "run", "--sarif", "-"])
    assert ended.value.code == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["loss-not-finite"]
    with pytest.raises(SystemExit) as ended:
        main(["report", "run", "--sarif", "no/such/file"])
    assert ended.value.code == 2
    assert "--sarif: can't write no/such/file: No such file" in capsys.readouterr().err
