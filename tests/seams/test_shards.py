"""Weights that are shards are left alone: to measure one alone would wait for other ranks."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.checks.registry import CHECKS
from assay.report import make_report
from assay.report.terminal import render
from assay.testing import WarmRunner

HEALTHY = Path(__file__).parents[1] / "healthy"


@pytest.mark.parametrize("name", ["sharded_over_two_ranks", "tensor_parallel"])
def test_the_same_to_the_last_bit(name: str, warm: WarmRunner, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    text = (HEALTHY / f"{name}.py").read_text()
    held = "[p for group in optimizer.param_groups for p in group['params']]"
    bits = (
        f"    bits = [p.to_local().double().sum().item().hex() for p in {held}]\n"
        "    Path(__file__).with_name(f'bits-{rank}').write_text(str([*bits, loss.item()]))\n"
    )
    script.write_text(text.replace("    if rank == 0:\n", f"{bits}    if rank == 0:\n"))
    env = {k: v for k, v in os.environ.items() if k not in ("ASSAY_RUN", "PYTHONPATH")}
    assert warm.spawn([sys.executable, str(script)], env=env).wait(120) == 0
    plain = [(tmp_path / f"bits-{rank}").read_text() for rank in (0, 1)]
    view = warm.observe([str(script)], run_dir=tmp_path / "run").view
    assert [(tmp_path / f"bits-{rank}").read_text() for rank in (0, 1)] == plain
    assert not view.errors
    assert [training.steps for training in view.trainings] == [60, 60]
    assert all(len(training.series("loss")) == 60 for training in view.trainings)
    assert not any(training.signals.get("grad_norm") for training in view.trainings)
    said: Any = make_report(view, CHECKS)
    assert "shards of DTensors" in render(said, width=200, verbose=True)
