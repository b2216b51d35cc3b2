"""The command line in an empty folder: in this process, or in one of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"
Assay = Callable[..., "subprocess.CompletedProcess[str]"]

TRAIN = """\
import os, signal, sys
import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(0)
x = torch.randn(64, 8)
y = (x[:, 0] > 0).long()
model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(60):
    loss = nn.functional.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    END
print("done")
"""


@pytest.fixture
def environment() -> dict[str, str]:
    dropped = ("ASSAY_RUN", "NO_COLOR", "FORCE_COLOR", "COLUMNS")
    kept = {key: value for key, value in os.environ.items() if key not in dropped}
    return {**kept, "PYTHONPATH": str(SRC), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def assay(assay_here: Assay) -> Assay:
    """The command line in this process; `launched` is the same as a user starts it."""
    return assay_here


@pytest.fixture
def launched(tmp_path: Path, environment: dict[str, str]) -> Assay:
    """The command line in a process of its own, and its script in another."""

    def run(*words: str, **options: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "assay", *words],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300,
            **options,
        )  # fmt: skip

    return run


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    """Writes a script; `ends` is what happens after each step of a faulty training."""

    def write(text: str | None = None, *, ends: str = "pass", name: str = "train.py") -> str:
        (tmp_path / name).write_text(TRAIN.replace("END", ends) if text is None else text)
        return name

    return write
