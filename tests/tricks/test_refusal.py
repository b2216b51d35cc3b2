"""A trick that can't do its work ends the run with one line and status 2, before the first step."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from assay.launch.environment import child_environment

SCRIPT = """
import torch
torch.set_num_threads(1)
{before}
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


def run(
    tmp_path: Path, *tricks: str, caught: str = "ZeroDivisionError", steps: int | None = None,
    before: str = "",
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    folder = tmp_path / "run"
    folder.mkdir()
    settings = {"tricks": list(tricks), "steps": steps}
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    script = tmp_path / "train.py"
    script.write_text(SCRIPT.format(caught=caught, before=before), encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(script)],
        env=child_environment(folder), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


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
def test_one_line_and_status_2(tmp_path: Path, tricks: list[str], says: str) -> None:
    done = run(tmp_path, *tricks)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"assay: {says}"), done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize("caught", ["Exception", "BaseException"])
def test_a_script_that_catches_everything_does_not_train(tmp_path: Path, caught: str) -> None:
    done = run(tmp_path, "betas=0.5", caught=caught)
    assert "stepped" not in done.stdout
    assert done.stderr.count("assay: trick betas: no optimizer") == 1
    assert done.returncode == (2 if caught == "Exception" else 0)


def test_steps_of_the_run_are_the_total(tmp_path: Path) -> None:
    done = run(tmp_path, "schedule=cosine", steps=3)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("stepped") <= 3


def test_the_journal_holds_the_rates_that_were_used(tmp_path: Path) -> None:
    done = run(tmp_path, "lr=x0.5", "warmup=4")
    assert (done.returncode, done.stderr) == (0, "")
    rates: list[float] = []
    for path in sorted((tmp_path / "run").rglob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                fact = json.loads(line)
                if fact.get("k") == "steps":
                    rates += [rate for [rate] in fact["lr"]]
    assert rates == pytest.approx([0.0125, 0.025, 0.0375, 0.05, 0.05])
