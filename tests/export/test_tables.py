"""What is exported as a table or as JSON is what the journal holds, to the last digit."""

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from assay.export.measured import COLUMNS, everything
from assay.journal.reader import read_run
from assay.testing.folders import optimizer_line, steps_line, write_run

NAME = "20260401-101500-train"
Row = tuple[str, str, int, str]
"""Signal, place, step and the value as text: nan is equal to nan."""


def rows_of(run: Path) -> list[Row]:
    """What the reader knows of the run."""
    return [
        (one.signal, one.place, step, repr(value))
        for one in everything(read_run(run))
        for step, value in one.series
    ]


def from_csv(text: str) -> list[Row]:
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    return [(r["signal"], r["place"], int(r["step"]), repr(float(r["value"]))) for r in rows]


def from_json(text: str) -> list[Row]:
    def refuse(word: str) -> float:
        raise AssertionError(f"{word} is not JSON")

    trainings = json.loads(text, parse_constant=refuse)["trainings"]
    return [
        (one["signal"], one["place"], step, repr(float(value)))
        for training in trainings
        for one in training["series"]
        for step, value in zip(one["steps"], one["values"], strict=True)
    ]


def from_parquet(data: bytes) -> list[Row]:
    table = pyarrow.parquet.read_table(io.BytesIO(data)).to_pylist()
    return [(r["signal"], r["place"], r["step"], repr(r["value"])) for r in table]


def test_the_run_of_these_tests_holds_every_kind_of_number(run: Path) -> None:
    rows = rows_of(run)
    assert {signal for signal, *_ in rows} == {
        "loss", "learning_rate", "time_s", "grad_norm", "step_quality",
        "evaluation_loss", "evaluation_accuracy",
    }  # fmt: skip
    assert {"nan", "inf", "-inf"} <= {value for *_, value in rows}
    assert len([row for row in rows if row[0] == "loss"]) == 59  # one step's loss was not seen


def test_csv(run: Path, export: Any) -> None:
    assert export("--to", "csv") == (0, f"assay: wrote {NAME}.csv\n")
    text = Path(f"{NAME}.csv").read_bytes().decode()
    assert text.partition("\n")[0] == ",".join(COLUMNS)
    assert from_csv(text) == rows_of(run)


def test_units_stand_beside_the_numbers(run: Path, export: Any) -> None:
    units = {
        "loss": "", "learning_rate": "", "time_s": "s", "grad_norm": "loss / weight",
        "step_quality": "", "evaluation_loss": "", "evaluation_accuracy": "share",
    }  # fmt: skip
    for to in ("csv", "parquet", "json"):
        assert export("--to", to)[0] == 0
    with Path(f"{NAME}.csv").open(encoding="utf-8", newline="") as file:
        rows: list[Any] = list(csv.DictReader(file))
    assert {row["signal"]: row["unit"] for row in rows} == units
    rows = pyarrow.parquet.read_table(f"{NAME}.parquet").to_pylist()
    assert {row["signal"]: row["unit"] for row in rows} == units
    text = json.loads(Path(f"{NAME}.json").read_text(encoding="utf-8"))
    rows = [one for training in text["trainings"] for one in training["series"]]
    assert {row["signal"]: row["unit"] for row in rows} == units


def test_json(run: Path, export: Any) -> None:
    assert export("--to", "json")[0] == 0
    text = Path(f"{NAME}.json").read_text(encoding="utf-8")
    assert from_json(text) == rows_of(run)
    report = json.loads(text)["report"]
    assert (report["run"]["id"], report["run"]["steps"]) == (NAME, 60)
    assert [finding["check"] for finding in report["findings"]] == ["loss-not-finite"]


def test_parquet(run: Path, export: Any) -> None:
    assert export("--to", "parquet")[0] == 0
    data = Path(f"{NAME}.parquet").read_bytes()
    assert from_parquet(data) == rows_of(run)
    schema = pyarrow.parquet.read_schema(io.BytesIO(data))
    assert schema.names == list(COLUMNS)
    assert json.loads(schema.metadata[b"assay"])["run"]["id"] == NAME


@pytest.mark.parametrize("to", ["csv", "json"])
def test_standard_output(
    run: Path, to: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    from assay.cli.export import main

    before = set(tmp_path.rglob("*"))
    assert main(["--to", to, "--out", "-"]) == 0
    out, err = capfdbinary.readouterr()
    read = {"csv": from_csv, "json": from_json}[to]
    assert read(out.decode()) == rows_of(run)
    assert err == b""
    assert set(tmp_path.rglob("*")) == before


def test_several_trainings_are_told_apart(tmp_path: Path, export: Any) -> None:
    lines = [optimizer_line(0, "Adam"), optimizer_line(1, "SGD"),
             steps_line(0, [1.0, 2.0], 0), steps_line(0, [3.0], 1)]  # fmt: skip
    write_run(tmp_path / "gan", lines)
    target = tmp_path / "out.csv"
    assert export(str(tmp_path / "gan"), "--to", "csv", "--out", str(target))[0] == 0
    rows = csv.DictReader(io.StringIO(target.read_text()))
    losses = [row for row in rows if row["signal"] == "loss"]
    assert [(r["training"], r["optimizer"], r["value"]) for r in losses] == [
        ("0", "Adam", "1.0"), ("0", "Adam", "2.0"), ("1", "SGD", "3.0"),
    ]  # fmt: skip


def test_a_long_run_in_parquet_has_large_row_groups(tmp_path: Path, export: Any) -> None:
    lines = [steps_line(first, [1.0 / (1 + first)] * 100) for first in range(0, 150_000, 100)]
    run = write_run(tmp_path / "long", lines)
    target = tmp_path / "long.parquet"
    assert export(str(run), "--to", "parquet", "--out", str(target))[0] == 0
    file = pyarrow.parquet.ParquetFile(target)
    assert file.metadata.num_row_groups <= 2
    assert file.metadata.num_rows == len(rows_of(run)) > 150_000
    assert math.isclose(file.read().column("value")[0].as_py(), 1.0)
