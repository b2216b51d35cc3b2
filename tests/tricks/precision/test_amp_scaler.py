"""The trick `amp` in scripts that have an fp16 region of their own."""

from __future__ import annotations

from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

Run = Callable[..., "CompletedProcess[str]"]

SCRIPT = """
import torch
torch.manual_seed(0)
torch.set_num_threads(1)
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 8))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
scaler = torch.amp.GradScaler("cpu", enabled={scaled})
for step in range(12):
    x = torch.randn(16, 8)
    with torch.autocast("cpu", dtype=torch.{dtype}):
        loss = 1e-6 * ((model(x).float() - x) ** 2).mean()
    optimizer.zero_grad()
    {step}
    print(loss.item(), flush=True)
"""
PLAIN = "loss.backward(); optimizer.step()"
SCALED = "scaler.scale(loss).backward(); scaler.step(optimizer); scaler.update()"


def script(step: str = PLAIN, dtype: str = "float16") -> str:
    return SCRIPT.format(step=step, scaled=step == SCALED, dtype=dtype)


def test_fp16_adds_the_scaler_that_is_missing(run_with: Run) -> None:
    cured, by_hand = run_with(script(), "amp=fp16"), run_with(script(SCALED))
    assert cured.returncode == 0, cured.stderr
    assert cured.stdout == by_hand.stdout
    assert cured.stdout != run_with(script()).stdout  # gradients that are too small are lost


@pytest.mark.parametrize(
    ("trick", "step", "dtype", "why"),
    [
        ("amp=fp16", SCALED, "float16", "the script has its own GradScaler"),
        ("amp=fp16", PLAIN, "bfloat16", "the script has its own autocast region"),
        ("amp=bf16", PLAIN, "float16", "the script has its own autocast region"),
        ("amp=bf16", PLAIN, "bfloat16", "the script has its own autocast region"),
    ],
)
def test_refused(run_with: Run, trick: str, step: str, dtype: str, why: str) -> None:
    done = run_with(script(step, dtype), trick)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1] == f"assay: trick amp: {why}"
    assert done.stdout == ""
