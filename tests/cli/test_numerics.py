"""`assay numerics`: a table, JSON, and one line for a format that there is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.cli.numerics import main
from assay.launch.errors import LaunchError


def test_the_table_has_a_column_for_each_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["half", "bfloat16"]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["fp16", "bf16"]
    rows = {line[:19].strip(): line.split() for line in lines}
    assert rows["largest"][-2:] == ["65,504", "3.39e+38"]
    assert rows["exp overflows above"][-2:] == ["11.09", "88.72"]
    assert rows["log(1e-08) becomes"][-2:] == ["-inf", "-18.42"]


def test_all_formats_fit_on_a_screen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100


def test_json_has_the_numbers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["fp16", "--json", "-"]) == 0
    facts = json.loads(capsys.readouterr().out)["fp16"]
    assert facts["largest"] == 65504
    assert facts["stored"]["1e-08"] == 0
    assert facts["log_of_stored"]["1e-08"] is None
    assert main(["--json", str(tmp_path / "all.json")]) == 0
    assert len(json.loads((tmp_path / "all.json").read_text())) == 7


def test_an_unknown_format_is_one_line() -> None:
    with pytest.raises(LaunchError, match="no format of numbers is called 'fp17'; did you mean"):
        main(["fp17"])
    with pytest.raises(LaunchError, match="'decimal'; there are fp64"):
        main(["decimal"])
    with pytest.raises(LaunchError, match="--json: no directory"):
        main(["--json", "/nowhere/at/all.json"])
