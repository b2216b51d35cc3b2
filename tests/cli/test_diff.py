"""`assay diff`: what it says of two runs, and its exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from assay.cli.repeating import said_of_second_run
from assay.journal.view import Event
from assay.testing import WarmRunner, make_run
from assay.testing.folders import optimizer_line, steps_line, write_run
from assay.trials.child import Command

from .conftest import TRAIN, Assay

LOSSES = [0.987654321 / (step + 1) for step in range(20)]


@pytest.fixture
def runs(tmp_path: Path) -> Callable[..., Path]:
    """Makes a run below `.assay/runs`."""

    def make(name: str, losses: list[float] = LOSSES, **facts: Any) -> Path:
        lines = [optimizer_line(), steps_line(0, losses)]
        return write_run(tmp_path / ".assay" / "runs" / name, lines, **facts)

    return make


def test_two_alike_and_a_third(assay: Assay, runs: Callable[..., Path], tmp_path: Path) -> None:
    runs("1-train"), runs("2-train"), runs("3-train", [*LOSSES[:7], 0.5, *LOSSES[8:]])
    done = assay("diff", "1", "2")
    assert done.returncode == 0
    assert "The two runs are alike in all that was recorded." in done.stdout
    done = assay("diff", "1", "--json", "diff.json")
    assert done.returncode == 1
    assert "They part at step 7, by their losses, 0.12345679 and 0.5" in done.stdout
    found = json.loads((tmp_path / "diff.json").read_text())
    assert (found["alike"], found["parting"]["step"]) == (False, 7)
    assert found["parting"]["stage"] == "loss"
    assert (found["a"]["id"], found["b"]["id"]) == ("1-train", "3-train")
    done = assay("diff", "--json", "-")  # the latest two
    assert [json.loads(done.stdout)[which]["id"] for which in "ab"] == ["2-train", "3-train"]
    assert "They part at step 7" in done.stderr


def test_another_script_is_named_and_compared(assay: Assay, runs: Callable[..., Path]) -> None:
    runs("1-train"), runs("2-other", command=["python", "other.py"])
    done = assay("diff")
    assert done.returncode == 0
    assert "script" in done.stdout
    assert "other.py" in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "only one run in .assay/runs: make another one, or name both"),
        (["1"], "1-train is both runs: name another one to compare it with"),
        (["1", "1-train"], "1-train is both runs"),
        (["1", "missing"], "no run 'missing' in .assay/runs; there are 1"),
        (["1", "bare"], "bare: no training step is on record, nothing can be compared"),
        (["1", "folder"], "folder: not the folder of a run"),
        (["1", "2", "3"], "one word too many: '3'"),
        (["--jsn", "x"], "unknown option --jsn; did you mean --json?"),
        (["1", "bare", "--json", "no/such.json"], "--json: no directory no"),
    ],
)
def test_bad_input(
    assay: Assay, runs: Callable[..., Path], tmp_path: Path, words: list[str], says: str
) -> None:
    runs("1-train")
    write_run(tmp_path / "bare")
    (tmp_path / "folder").mkdir()
    done = assay("diff", *words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"assay: {says}")
    assert done.stderr.count("\n") == 1


def test_a_torn_record_is_compared_as_far_as_it_goes(
    assay: Assay, runs: Callable[..., Path]
) -> None:
    runs("1-train")
    with (runs("2-train") / "journal-1.jsonl").open("a") as file:
        file.write('{"k":"steps","o":0,"first":20,"loss":[0.1')
    done = assay("diff")
    assert done.returncode == 0
    assert "2-train: the record is not whole: journal-1.jsonl: 1 unreadable line" in done.stderr


def test_of_one_script(assay: Assay, tmp_path: Path) -> None:
    """What the child records is enough: two real runs are bitwise alike, a third one is not."""
    script = TRAIN.replace("END", "pass").replace("lr=0.1", "lr=float(sys.argv[1])")
    (tmp_path / "train.py").write_text(script)
    for rate in ("0.1", "0.1", "0.2"):
        assert assay("run", "train.py", rate).returncode == 0
    names = sorted(path.name for path in (tmp_path / ".assay" / "runs").iterdir())
    done = assay("diff", *names[:2])
    assert done.returncode == 0
    assert "The two runs are alike to the last bit in all that was recorded." in done.stdout
    done = assay("diff", names[0], names[2], "--json", "-")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["parting"]["stage"] == "rate"
    assert {each["name"] for each in found["differences"] if each["explains"]} == {
        "arguments", "SGD lr"
    }  # fmt: skip


def test_a_second_run_of_the_same_script(
    assay: Assay, tmp_path: Path, warm: WarmRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes over a file of the first run, which is put back, and its record can be compared."""
    from assay.cli import repeating

    monkeypatch.setattr(repeating, "Command", partial(Command, spawn=warm.spawn))
    script = TRAIN.replace("END", "pass").replace(
        "y = (x", "import random\nx += random.random()\nopen('drawn', 'w').write(str(x))\ny = (x"
    )
    (tmp_path / "train.py").write_text(script)
    done = assay("check", "--twice", "--steps", "30", "--only", "runs-differ", "train.py")
    assert done.returncode == 0
    assert "assay: --twice: the two runs part; all about it: assay diff " in done.stderr
    assert "runs-differ" in done.stderr
    assert "was given another batch at step 0" in " ".join(done.stderr.split())
    (run,) = (tmp_path / ".assay" / "runs").iterdir()
    assert (run / "again" / "output.txt").read_text().count("done") == 0  # stopped, as the first
    told = assay("report", "--only", "runs-differ")
    assert "runs-differ" in told.stdout
    assert assay("diff", run.name, str(run / "again")).returncode == 1


@pytest.mark.parametrize(
    ("stage", "says"),
    [(None, "alike in all that was recorded of 20 steps"), ("length", "then one goes on"),
     ("batch", "assay diff run run/again")],
)  # fmt: skip
def test_what_is_said_of_a_second_run(stage: str | None, says: str) -> None:
    event = Event("repeated", 0, {"stage": stage, "steps": 20, "at": 3})
    assert says in said_of_second_run(make_run(loss=[1.0], events=[event]), Path("run"))
    silent = make_run(loss=[1.0])
    silent.skipped["repeated"] = "the second run took no training step"
    assert said_of_second_run(silent, Path("run")) == "the second run took no training step"
