"""Invented results, and a small real script, for tests of trials."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from assay.trials.metric import Measured
from assay.trials.result import Result

# sgd on a sharp valley: at this rate the gradient of the steep side makes it jump
SCRIPT = """
import random, sys, time
import torch
torch.set_num_threads(1)
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr={lr})
target = torch.randn(4, 1)
for step in range({steps}):
    x = torch.randn(32, 4)
    loss = torch.nn.functional.mse_loss(model(x), x @ target)
    {zero}
    loss.backward()
    optimizer.step()
    {also}
"""


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Path]:
    """Writes a script; `also` is done in every step."""

    def write(
        lr: float = 0.05, steps: int = 60, zero: str = "optimizer.zero_grad()", also: str = "pass"
    ) -> Path:
        script = tmp_path / "train.py"
        script.write_text(SCRIPT.format(lr=lr, steps=steps, zero=zero, also=also))
        return script

    return write


def result(
    state: str = "done",
    findings: Sequence[str] = (),
    why: str = "",
    *,
    broken: Sequence[str] = (),
    silent: Sequence[str] | None = None,
    constant: float | None = None,
    **values: Any,
) -> Result:
    """A run that ended with these metrics: `loss` in training, `held` held out, and errors.

    Findings are errors, unless their name ends in a question mark: those are warnings.
    """
    kinds = {
        "loss": "training loss",
        "held": "held-out loss",
        "error": "training error",
        "held_error": "held-out error",
    }
    return Result(
        state=state,  # type: ignore[arg-type]
        steps=100,
        seconds=2.0,
        measured=Measured({kinds[name]: value for name, value in values.items()}),
        findings=tuple(
            (check.removesuffix("?"), "warning" if check.endswith("?") else "error")
            for check in findings
        ),
        why=why,
        broken=tuple(broken),
        silent=None if silent is None else tuple(silent),
        constant=constant,
    )


@pytest.fixture
def assay(assay_here: Callable[..., Any]) -> Callable[..., Any]:
    """Runs the command line to its end."""
    return assay_here


def assay_process(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs the command line to its end, in a process of its own, as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "assay", *words],
        cwd=cwd, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
