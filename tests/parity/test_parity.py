"""The first law: with assay on, losses, weights and random state are the same to the last bit.

PARITY_DEVICE=cuda puts the workloads on a GPU.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from assay.observe import observe

WORKLOADS = Path(__file__).parent / "workloads"
NAMES = sorted(path.stem for path in WORKLOADS.glob("*.py") if path.stem != "fingerprint")
SLOW = {"compiled"}
# Trainings and steps of each that must have been seen, or nothing was put to the test.
STEPS = {
    "accumulation": [40],
    "autocast_bf16": [60],
    "by_hand": [99],
    "checkpointing": [40],
    "cnn_batchnorm": [60],
    "compiled": [40],
    "distributed": [44, 44],
    "evaluations": [64],
    "grad_scaler": [55],
    "half_mask": [60],
    "lbfgs": [20],
    "loader_workers": [40],
    "lstm": [50],
    "mlp": [120],
    "transformer": [50],
    "two_optimizers": [40, 40],
}


def test_every_workload_has_its_steps():
    assert sorted(STEPS) == NAMES
    assert len(NAMES) >= 12


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if n in SLOW else ()) for n in NAMES]
)
def test_same_to_the_last_bit(name, warm, tmp_path, capfd, monkeypatch):
    if name == "compiled" and shutil.which("g++") is None:
        pytest.skip("torch.compile needs a C++ compiler")
    script = str(WORKLOADS / f"{name}.py")
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic with it
    env = {k: v for k, v in os.environ.items() if k not in ("ASSAY_RUN", "PYTHONPATH")}
    if name in SLOW or env.get(
        "PARITY_DEVICE"
    ):  # a compiler and a device want a process of its own
        status = subprocess.run(
            [sys.executable, script], env=env, timeout=900, check=False
        ).returncode
    else:  # an unwatched fork: nothing of ours is in place there
        status = warm.spawn([sys.executable, script], env=env).wait(900)
    plain = capfd.readouterr()
    assert status == 0, plain.err
    observed = observe([script], run_dir=tmp_path / "run")
    seen = capfd.readouterr()
    assert (seen.out, seen.err) == (plain.out, plain.err)
    assert observed.outcome.exit_code == 0
    assert observed.view.errors == []
    assert [training.steps for training in observed.view.trainings] == STEPS[name]
    assert any(t.signals.get("grad_norm") for t in observed.view.trainings)
