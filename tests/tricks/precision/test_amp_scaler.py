"""The trick `amp` in scripts that have an fp16 region of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assay.launch.environment import child_environment

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


def run(
    tmp_path: Path, *tricks: str, step: str = PLAIN, dtype: str = "float16"
) -> subprocess.CompletedProcess[str]:
    folder = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    (folder / "settings.json").write_text(json.dumps({"tricks": list(tricks)}), encoding="utf-8")
    script = folder / "train.py"
    script.write_text(SCRIPT.format(step=step, scaled=step == SCALED, dtype=dtype), "utf-8")
    return subprocess.run(
        [sys.executable, str(script)],
        env=child_environment(folder), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_fp16_adds_the_scaler_that_is_missing(tmp_path: Path) -> None:
    cured, by_hand = run(tmp_path, "amp=fp16"), run(tmp_path, step=SCALED)
    assert cured.returncode == 0, cured.stderr
    assert cured.stdout == by_hand.stdout
    assert cured.stdout != run(tmp_path).stdout  # gradients that are too small are lost


@pytest.mark.parametrize(
    ("trick", "step", "dtype", "why"),
    [
        ("amp=fp16", SCALED, "float16", "the script has its own GradScaler"),
        ("amp=fp16", PLAIN, "bfloat16", "the script has its own autocast region"),
        ("amp=bf16", PLAIN, "float16", "the script has its own autocast region"),
        ("amp=bf16", PLAIN, "bfloat16", "the script has its own autocast region"),
    ],
)
def test_refused(tmp_path: Path, trick: str, step: str, dtype: str, why: str) -> None:
    done = run(tmp_path, trick, step=step, dtype=dtype)
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1] == f"assay: trick amp: {why}"
    assert done.stdout == ""
