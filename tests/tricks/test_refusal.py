"""A trick that can't do its work ends the run with one line and status 2, before the first step."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., "CompletedProcess[str]"]

SCRIPT = """
import torch
torch.set_num_threads(1)
model = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(5):
    try:
        model(torch.ones(3, 4)).sum().backward()
        optimizer.step()
        print("stepped", flush=True)
    except {caught}:
        print("caught", flush=True)
"""


def script(caught: str = "ZeroDivisionError") -> str:
    return SCRIPT.format(caught=caught)


@pytest.mark.parametrize(
    ("tricks", "says"),
    [
        (["clip-nrom=1"], "unknown trick 'clip-nrom'; did you mean clip-norm?"),
        (["clip-norm=-1"], "clip-norm=-1: expected a number above 0"),
        (["lr=0.1", "lr=0.2"], "lr is given more than once"),
        (["schedule=cosine"], "trick schedule: cosine needs total=N"),
        (["betas=0.5"], "trick betas: no optimizer of the script has betas"),
        (["norm=layer"], "trick norm: Linear has no BatchNorm"),
        (["lr=0.1", "eps=1e-6"], "trick eps: no optimizer of the script has eps"),
    ],
)
def test_one_line_and_status_2(run_with: Run, tricks: list[str], says: str) -> None:
    done = run_with(script(), *tricks)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"assay: {says}"), done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize("caught", ["Exception", "BaseException"])
def test_a_script_that_catches_everything_does_not_train(run_with: Run, caught: str) -> None:
    done = run_with(script(caught), "betas=0.5")
    assert "stepped" not in done.stdout
    assert done.stderr.count("assay: trick betas: no optimizer") == 1
    assert done.returncode == (2 if caught == "Exception" else 0)


def test_steps_of_the_run_are_the_total(run_with: Run) -> None:
    done = run_with(script(), "schedule=cosine", steps=3)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("stepped") <= 3


def test_the_journal_holds_the_rates_that_were_used(run_with: Run, tmp_path: Path) -> None:
    done = run_with(script(), "lr=x0.5", "warmup=4")
    assert (done.returncode, done.stderr) == (0, "")
    rates: list[float] = []
    for path in sorted((tmp_path / "run").rglob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                fact = json.loads(line)
                if fact.get("k") == "steps":
                    rates += [rate for [rate] in fact["lr"]]
    assert rates == pytest.approx([0.0125, 0.025, 0.0375, 0.05, 0.05])
