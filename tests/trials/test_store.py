"""The store: nothing is lost, nothing torn is believed."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from pathlib import Path

import pytest

from assay.launch.errors import LaunchError
from assay.trials.metric import Measured
from assay.trials.result import Result, content_hash
from assay.trials.store import Store

CURVES = {"training loss": ((1, 2.0), (2, math.nan))}
RESULT = Result(
    "done", 100, 1.5, Measured({"training loss": math.inf}, CURVES), (("dead-units", "error"),),
    "why", "folder", {},
)  # fmt: skip


def test_what_is_kept_is_known(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.known("a") is None
    store.keep("a", RESULT)
    store.keep("b", replace(RESULT, steps=7))
    known = Store(tmp_path).known("a")
    assert known is not None
    assert known.resumed
    assert known.measured.values == {"training loss": math.inf}
    assert repr(replace(known, resumed=False)) == repr(RESULT)


def test_the_latest_of_a_key_counts(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for steps in (1, 2):
        store.keep("a", replace(RESULT, steps=steps))
    known = store.known("a")
    assert known is not None
    assert known.steps == 2


@pytest.mark.parametrize(
    "rubbish",
    [
        b'{"key":"a","state":',
        b"\xff\xfe\x00",
        b"[]",
        b'{"key":"a"}',
        b'{"key":"a","steps":{}}',
        b"",
    ],
)
def test_lines_that_make_no_sense_are_passed_over(tmp_path: Path, rubbish: bytes) -> None:
    store = Store(tmp_path)
    store.keep("a", RESULT)
    with (tmp_path / "results.jsonl").open("ab") as file:
        file.write(rubbish)  # torn: no end of line
    assert store.known("a") is not None
    store.keep("b", RESULT)
    assert store.known("b") is not None, "a torn line takes the next one with it"
    assert store.known("a") is not None


def test_a_changed_source_makes_a_result_void(tmp_path: Path) -> None:
    source = tmp_path / "model.py"
    source.write_text("width = 3")
    store = Store(tmp_path)
    store.keep("a", replace(RESULT, sources={str(source): content_hash(str(source))}))
    assert store.known("a") is not None
    source.write_text("width = 4")
    assert store.known("a") is None
    source.write_text("width = 3")
    assert store.known("a") is not None
    source.unlink()
    assert store.known("a") is None


def test_trials_from_beginning_to_end(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.note("one", "began", command=["python", "a.py"])
    store.note("two", "began", command=["python", "b.py"])
    store.note("one", "ended", verdicts=[{"effect": math.inf}])
    first, second = store.trials()
    assert (first["trial"], first["command"]) == ("one", ["python", "a.py"])
    assert first["verdicts"] == [{"effect": "inf"}]
    assert "ended" in first
    assert "ended" not in second


def test_no_store_is_an_empty_store(tmp_path: Path) -> None:
    assert Store(tmp_path / "none").trials() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(LaunchError, match="can't write"):
        Store(tmp_path / "trials").keep("a", RESULT)


def test_a_file_in_the_way_says_so(tmp_path: Path) -> None:
    (tmp_path / "trials").write_text("")
    with pytest.raises(LaunchError, match="can't"):
        Store(tmp_path / "trials").keep("a", RESULT)


def test_new_trials_are_kept_out_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folders = [Store().new_trial("train") for _ in range(2)]
    assert folders[0] != folders[1]
    assert (tmp_path / ".assay" / ".gitignore").read_text() == "*\n"
