"""`assay try`, `fix`, `trials` and `run --with`, as a person uses them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Train = Callable[..., Path]
Assay = Callable[..., "subprocess.CompletedProcess[str]"]
pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("verb", ["try", "run"])
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--with", "clip-nrm=1"], "did you mean clip-norm"),
        (["--with", "clip-norm=-1"], "above 0"),
        (["--with", "clip-norm=abc"], "a number"),
        (["--with", "clip-norm"], "needs"),
        (["--with"], "needs a value"),
        (["--steps", "0"], "whole number from 1"),
        (["--wiht", "ema"], "did you mean --with"),
    ],
)
def test_bad_input_is_one_line_before_anything_runs(
    assay: Assay, tmp_path: Path, verb: str, words: list[str], says: str
) -> None:
    (tmp_path / "train.py").write_text("raise SystemExit('it ran')")
    tail = [] if words == ["--with"] else ["train.py"]
    done = assay(verb, *words, *tail, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.startswith("assay: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / ".assay").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["try", "train.py"], "name a trick"),
        (["try", "--with", "ema=0.9", "no.py"], "no such file"),
        (
            ["try", "--with", "clip-norm=1", "--with", "clip-norm=2", "--together", "train.py"],
            "once",
        ),
        (["try", "--with", "ema=0.9"], "nothing to run"),
        (["try", "--minutes", "-1", "--with", "ema=0.9", "train.py"], "above 0"),
        (["try", "--json", "no/such/folder.json", "--with", "ema=0.9", "train.py"], "no directory"),
        (["fix", "--with", "ema=0.9", "train.py"], "unknown option --with"),
        (["trials", "extra"], "one word too many"),
    ],
)
def test_bad_input_of_trials(assay: Assay, tmp_path: Path, words: list[str], says: str) -> None:
    (tmp_path / "train.py").write_text("raise SystemExit('it ran')")
    done = assay(*words, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert says in done.stderr


def test_a_trick_that_does_not_fit(assay: Assay, train: Train) -> None:
    script = train()
    done = assay("try", "--with", "balance-classes", str(script), cwd=script.parent)
    assert done.returncode == 2
    assert "does not fit" in done.stderr


def test_no_trials_yet(assay: Assay, tmp_path: Path) -> None:
    done = assay("trials", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "no trials yet" in done.stderr


def test_fix_finds_and_proves_the_cure(assay: Assay, train: Train) -> None:
    script = train(zero="pass", steps=100)
    done = assay("fix", "--json", "report.json", str(script), cwd=script.parent)
    assert done.returncode == 0, done.stderr
    report = json.loads((script.parent / "report.json").read_text())
    assert report["schema"] == 1
    assert report["findings"][0]["check"] == "zero-grad-missing"
    best = report["verdicts"][0]
    assert (best["tricks"], best["verdict"]) == (["zero-grad"], "proved")
    assert "zero-grad-missing" in best["findings"]["gone"]
    assert best["findings"]["new"] == []
    assert best["interval"][0] <= best["effect"] <= best["interval"][1]
    assert "assay run --with zero-grad" in done.stderr
    assert "optimizer.zero_grad()" in done.stderr


def test_fix_of_a_healthy_script_tries_nothing(assay: Assay, train: Train) -> None:
    script = train()
    done = assay("fix", str(script), cwd=script.parent)
    assert done.returncode == 0, done.stderr
    assert "there is nothing to fix" in done.stderr
    store = script.parent / ".assay" / "trials" / "results.jsonl"
    assert store.read_text().count("\n") == 1
    assert "nothing to fix" in assay("trials", cwd=script.parent).stdout


def test_run_with_tricks_saves_the_exact_set_up(assay: Assay, train: Train) -> None:
    script = train()
    git = ["git", "-c", "user.name=n", "-c", "user.email=e", "-C", str(script.parent)]
    for words in (["init", "-q"], ["add", "train.py"], ["commit", "-qm", "m"]):
        subprocess.run([*git, *words], check=True)
    script.write_text(script.read_text() + "\n")
    words = ["--with", "ema=0.9+clip-norm=1", "--with", "zero-grad"]
    done = assay("run", *words, str(script), "--epochs", "3", cwd=script.parent)
    assert done.returncode == 0, done.stderr
    (run,) = (script.parent / ".assay" / "runs").iterdir()
    record = json.loads((run / "run.json").read_text())
    setup = record["setup"]
    assert setup["arguments"] == [str(script), "--epochs", "3"]
    assert setup["tricks"] == ["clip-norm=1.0", "zero-grad", "ema=0.9"]
    assert setup["versions"]["torch"]
    assert setup["sources"] == [str(script.resolve())]
    assert setup["seeds"] == [{"of": "torch", "value": 0}]
    assert len(setup["git"]["commit"]) == 40
    assert setup["git"]["changed"] == ["train.py"]
    assert len(setup["files"][str(script)]) == 64
    assert record["exit_code"] == 0
    notes = (run / "settings.json").read_text()
    assert json.loads(notes)["tricks"] == setup["tricks"]
