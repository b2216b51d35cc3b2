"""`assay merge` as a user starts it: its report, its one-line complaints, its statuses."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest
import torch

from assay.fusion.worker import Worker

from .conftest import Assay


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    start = torch.randn(64, 32, generator=torch.Generator().manual_seed(0))
    for name, value in (("a", 1.0), ("b", 2.0)):
        torch.save({"w": start + value, "n.running_var": torch.ones(3)}, f"{name}.pt")
    torch.save({"w": -start}, "other.pt")


def test_a_merge_is_written_and_told(launched: Assay) -> None:
    done = launched("merge", "a.pt", "b.pt", "-o", "out.pt", "--weights", "3,1", "--json", "-")
    assert done.returncode == 0, done.stderr
    assert "→ out.pt: average of 2 checkpoints" in done.stderr
    assert "a.pt  weight 3" in done.stderr
    assert "running statistics" in done.stderr
    report = json.loads(done.stdout)
    assert report["output"] == "out.pt"
    assert report["parameters"] == 64 * 32 + 3
    found = torch.load("out.pt", weights_only=True)["w"]
    a = torch.load("a.pt", weights_only=True)["w"]
    torch.testing.assert_close(found, a + 0.25)
    again = launched("merge", "a.pt", "other.pt", "-o", "x.pt")
    assert again.returncode == 2
    assert again.stderr == "assay: other.pt lacks n.running_var, unlike a.pt\n"
    assert not Path("x.pt").exists()


def test_without_an_output_the_inputs_are_compared(launched: Assay) -> None:
    torch.save({"w": torch.load("other.pt", weights_only=True)["w"] * -2 + 1}, "third.pt")
    done = launched("merge", "other.pt", "third.pt")
    assert done.returncode == 0
    assert "2 checkpoints compared; -o FILE writes their merge" in done.stderr
    assert "the inputs have little in common (cosine -0." in done.stderr
    assert sorted(os.listdir()) == ["a.pt", "b.pt", "other.pt", "third.pt"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["a.pt"], "merge takes two checkpoints or more, received 1"),
        (["a.pt", "b.pt", "-o", "a.pt"], "a.pt is one of the inputs, which are never written"),
        (["a.pt", "b.pt", "-o", "link.pt"], "link.pt is one of the inputs"),
        (["a.pt", "b.pt", "-o", "other.pt"], "other.pt exists; --force replaces it"),
        (["a.pt", "b.pt", "-o", "out"], "out must end in one of .safetensors, .pt"),
        (["a.pt", "b.pt", "-o", "no/out.pt"], "--output: no directory no"),
        (["a.pt", "b.pt", "--method", "tis"], "--method: no method is called 'tis'"),
        (["a.pt", "b.pt", "--method", "ties"], "ties needs --base"),
        (["a.pt", "b.pt", "b.pt", "--method", "slerp"], "slerp takes 2 inputs, received 3"),
        (["a.pt", "b.pt", "--method", "fisher", "--fisher", "f.pt"], "once for each of the 2"),
        (["a.pt", "b.pt", "--fisher", "f.pt"], "--fisher is read by --method fisher"),
        (["a.pt", "b.pt", "--weights", "1"], "--weights: 1 weights for 2 checkpoints"),
        (["a.pt", "b.pt", "--weights", "1,x"], "--weights takes numbers with commas"),
        (["a.pt", "b.pt", "--weights", "1,-1"], "weights are from 0 on, and one is above it"),
        (["a.pt", "b.pt", "--counts", "0,0"], "weights are from 0 on, and one is above it"),
        (["a.pt", "b.pt", "--counts", "1,1", "--weights", "1,1"], "one of --weights and --counts"),
        (["a.pt", "b.pt", "--method", "slerp", "--weights", "1,1"], "slerp takes no weights"),
        (["a.pt", "b.pt", "--layer", "w"], "--layer takes PATTERN=METHOD or PATTERN=weights:A,B"),
        (["a.pt", "b.pt", "--layer", "w=ties"], "ties needs --base"),
        (["a.pt", "b.pt", "--layer", "w=weights:1"], "--layer w: 1 weights for 2 checkpoints"),
        (["a.pt", "b.pt", "--dtype", "float8"], "--dtype must be one of float64, float32"),
        (["a.pt", "b.pt", "--ouput", "x"], "unknown option --ouput; did you mean --output?"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line_before_torch_is_started(
    words: list[str], says: str, assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the process that merges was started")

    monkeypatch.setattr("assay.fusion.worker.Worker.__enter__", refuse)
    os.symlink("a.pt", "link.pt")
    before = {path: path.read_bytes() for path in Path().iterdir()}
    done = assay("merge", *words)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_an_interpreter_without_torch_is_told(launched: Assay) -> None:
    bare = Path("bare")
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    done = launched("merge", "a.pt", "b.pt", "--python", "./bare")
    assert done.returncode == 1
    assert done.stderr == ("assay: ./bare has no torch; --python names an interpreter that has\n")


def test_a_merge_that_is_ended_leaves_nothing() -> None:
    for i, name in enumerate(("c", "d")):
        torch.save({f"w{k}": torch.full((1024, 1024), float(i)) for k in range(12)}, f"{name}.pt")
    before = set(os.listdir())
    with Worker() as worker:
        request = {"do": "merge", "inputs": ["c.pt", "d.pt"], "output": "out.pt",
                   "method": "average", "weights": [1, 1]}  # fmt: skip
        assert worker._process.stdin is not None
        print(json.dumps(request), file=worker._process.stdin, flush=True)
        while set(os.listdir()) == before and worker._process.poll() is None:
            time.sleep(0.001)
        worker._process.terminate()
        worker._process.wait()
    assert set(os.listdir()) - before <= {"out.pt"}, "either the whole file or none"
