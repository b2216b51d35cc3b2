"""What can't be exported is told in one line with status 2, and nothing is left half-written."""

import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.export import formats
from assay.testing.folders import append_lines, steps_line, write_run

NAME = "20260401-101500-train"


def one_line(said: str) -> str:
    assert said.startswith("assay: ")
    assert said.count("\n") == 1
    return said.removeprefix("assay: ").rstrip()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "--to names a format: tensorboard, csv, parquet, json"),
        (["--to", "cvs"], "--to: no format is called 'cvs'; did you mean csv?"),
        (["--to", "xlsx"], "'xlsx'; there are tensorboard, csv, parquet, json"),
        (["--to"], "--to needs a value"),
        (["nosuch", "--to", "csv"], "no run 'nosuch' in .assay/runs"),
        (["a", "b", "--to", "csv"], "one word too many: 'b'"),
        (["--to", "csv", "--froce"], "unknown option --froce; did you mean --force?"),
        (["--to", "csv", "--out", "no/such/out.csv"],
         "can't write no/such/out.csv: No such file or directory"),
        (["--to", "csv", "--out", "folder"], "--out: folder is a directory"),
        (["--to", "tensorboard", "--out", "file"], "file is a file, tensorboard needs a folder"),
        (["--to", "tensorboard", "--out", "-"], "it can't go to standard output"),
    ],
)  # fmt: skip
def test_bad_words(run: Path, export: Any, words: list[str], says: str) -> None:
    Path("folder").mkdir()
    Path("file").write_text("x")
    before = set(Path().rglob("*"))
    status, said = export(*words)
    assert says in one_line(said)
    assert status == 2
    assert set(Path().rglob("*")) == before


@pytest.mark.parametrize("to", ["csv", "parquet", "json"])
def test_a_file_that_is_there_stays(run: Path, export: Any, to: str) -> None:
    target = Path(f"out.{to}")
    target.write_text("mine")
    status, said = export("--to", to, "--out", str(target))
    assert one_line(said) == f"out.{to} exists: name another file, or replace it with --force"
    assert (status, target.read_text()) == (2, "mine")
    assert export("--to", to, "--out", str(target), "--force")[0] == 0
    assert target.stat().st_size > 1000


@pytest.mark.parametrize("to", ["csv", "parquet", "json", "tensorboard"])
@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_disk_that_takes_nothing(
    run: Path, export: Any, to: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(formats.tempfile, "mkstemp", refuse)
    status, said = export("--to", to)
    assert one_line(said).startswith("can't write ")
    assert one_line(said).endswith(os.strerror(code))
    assert status == 2


def test_a_disk_that_fills_up_leaves_nothing(
    run: Path, export: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.export import csv

    def fill(report: object, file: Any) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(csv, "write", fill)
    before = set(Path().rglob("*"))
    status, said = export("--to", "csv")
    assert (status, one_line(said)) == (2, f"can't write {NAME}.csv: No space left on device")
    assert set(Path().rglob("*")) == before


def test_without_pyarrow(run: Path, export: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    status, said = export("--to", "parquet")
    assert one_line(said) == "parquet needs pyarrow: pip install 'assay[parquet]'"
    assert status == 2
    assert not Path(f"{NAME}.parquet").exists()


def test_a_torn_journal_is_exported_as_far_as_it_goes(run: Path, export: Any) -> None:
    with (run / "journal-1.jsonl").open("a") as file:
        file.write('{"k":"steps","o":0,"fir')
    status, said = export("--to", "csv")
    assert status == 0
    assert "the record is not whole: journal-1.jsonl: 1 unreadable line passed over" in said
    assert Path(f"{NAME}.csv").read_text().count("\n") > 60


@pytest.mark.parametrize(
    ("journal", "says"),
    [
        (b"\x00\xff\xfe garbage\n" * 5, "nothing to export: the record can't be used"),
        (b'{"k":"begin","time":"soon"}\n', "nothing to export"),
        (b'{"k":"begin","time":[1]}\n', "nothing to export"),
        (b"", "nothing to export"),
    ],
)
def test_a_journal_without_one_number(
    tmp_path: Path, export: Any, journal: bytes, says: str
) -> None:
    run = write_run(tmp_path / "damaged")
    (run / "journal-1.jsonl").write_bytes(journal)
    out = tmp_path / "out.csv"
    status, said = export(str(run), "--to", "csv", "--out", str(out))
    assert says in one_line(said)
    assert status == 2
    assert not out.exists()


def test_what_a_run_calls_itself_chooses_no_file(
    tmp_path: Path, export: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = write_run(tmp_path / "runs" / "honest", id="../../evil")
    append_lines(run, [steps_line(0, [1.0] * 5)])
    assert export(str(run), "--to", "csv") == (0, "assay: wrote honest.csv\n")
