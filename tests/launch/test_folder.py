"""The run folder: a new one each time, whole records, and one line when it can't be had."""

import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from assay.launch import LaunchError, create


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_default_place(tmp_path):
    folder = create("train")
    assert re.fullmatch(r"\d{8}-\d{6}-train", folder.id)
    assert folder.path == tmp_path / ".assay" / "runs" / folder.id
    assert (tmp_path / ".assay" / ".gitignore").read_text() == "*\n"


def test_ids_are_unique_even_at_once():
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(create, ["train"] * 20))
    assert len({folder.path for folder in folders}) == 20
    assert all(folder.path.is_dir() for folder in folders)


@pytest.mark.parametrize(
    ("label", "end"),
    [("../../etc/passwd", "etc-passwd"), ("été 1", "t-1"), ("", "run"), ("..", "run"),
     ("pkg.train", "pkg.train"), ("x" * 300, "x" * 40)],
)  # fmt: skip
def test_any_label_makes_a_safe_name(tmp_path, label, end):
    folder = create(label, base="runs")
    assert folder.path.parent == tmp_path / "runs"
    assert folder.id.endswith(f"-{end}")
    assert not (tmp_path / ".gitignore").exists()


def test_an_explicit_folder(tmp_path):
    assert create(explicit="a/b").path == tmp_path / "a" / "b"
    assert create(explicit="a/b").id == "b"
    (tmp_path / "a" / "b" / "x").touch()
    with pytest.raises(LaunchError, match="run folder a/b is not empty"):
        create(explicit="a/b")


def test_a_place_where_none_can_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LaunchError, match="can't make run folder file: File exists"):
        create(explicit="file")
    with pytest.raises(LaunchError, match="can't make run folder file/x: Not a directory"):
        create(explicit="file/x")
    with pytest.raises(LaunchError, match="can't make run folder file: "):
        create(base="file")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is read-only to everyone")
def test_a_read_only_place():
    with pytest.raises(LaunchError, match="can't make run folder /proc/assay"):
        create(base="/proc/assay")


def test_the_record():
    folder = create("train")
    folder.begin(["python", "train.py"], {"steps": 5, "seconds": None}, python="python")
    assert json.loads((folder.path / "settings.json").read_text()) == {"steps": 5, "seconds": None}
    record = json.loads((folder.path / "run.json").read_text())
    assert list(record) == ["id", "command", "cwd", "started", "assay", "python", "setup"]
    folder.end(exit_code=3, signal=None, seconds=1.23456)
    ended = json.loads((folder.path / "run.json").read_text())
    assert ended == {**record, "exit_code": 3, "signal": None, "seconds": 1.235,
                     "ended": ended["ended"]}  # fmt: skip
    assert sorted(path.name for path in folder.path.iterdir()) == ["run.json", "settings.json"]


def test_a_damaged_record_is_begun_anew():
    folder = create("train")
    (folder.path / "run.json").write_text('{"id": "tr')
    folder.end(exit_code=0, signal=None, seconds=1)
    assert json.loads((folder.path / "run.json").read_text())["exit_code"] == 0


def test_a_full_disk():
    folder = create("train")
    (folder.path / ".settings.json.tmp").symlink_to("/dev/full")
    with pytest.raises(LaunchError, match=r"can't write .*settings\.json: No space left on device"):
        folder.begin(["x"], {})
    assert list(folder.path.iterdir()) == []
