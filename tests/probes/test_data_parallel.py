"""DataParallel: one process, whose steps and checks are those of the model inside.

Without a GPU it hands each call on to the model; threads for several devices can't be tested here.
"""

from __future__ import annotations

from pathlib import Path

from assay.checks.registry import CHECKS
from assay.diagnosis import Diagnosis, diagnose
from assay.testing import WarmRunner

SCRIPT = """
import torch
from torch import nn
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 3))
if WRAPPED:
    model = nn.DataParallel(model)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
draw = torch.Generator().manual_seed(1)
for step in range(60):
    x = torch.randn(16, 6, generator=draw)
    loss = nn.functional.cross_entropy(model(x), x[:, :3].argmax(1))
    if CLEARED:
        optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

NOT_CALLED = {"samples-mixed", "train-eval-gap", "input-ignored"}
"""What calls the model once more: DataParallel's own code is none that may be called unnoticed."""


def judged(report: Diagnosis) -> set[str]:
    return {*report.silent, *(finding.check for finding in report.findings)}


def test_steps_and_checks_hold(warm: WarmRunner, tmp_path: Path) -> None:
    found = {}
    for wrapped in (False, True):
        for cleared in (False, True):
            name = f"{wrapped}-{cleared}"
            script = tmp_path / f"{name}.py"
            text = SCRIPT.replace("WRAPPED", str(wrapped)).replace("CLEARED", str(cleared))
            script.write_text(text)
            view = warm.observe([str(script)], run_dir=tmp_path / name).view
            (training,) = view.trainings
            report = diagnose(view, CHECKS)
            found[wrapped, cleared] = (
                list(training.series("loss")),
                [place.removeprefix("module.") for place in training.places("grad_norm")],
                [(finding.check, finding.role) for finding in report.findings],
                set(report.silent) - NOT_CALLED,
            )
            assert (set(report.skipped) if wrapped else judged(report)) >= NOT_CALLED
            assert training.steps == 60
    for cleared in (False, True):
        assert found[True, cleared] == found[False, cleared]
    assert found[True, True][2] == []
    assert found[True, False][2][0] == ("zero-grad-missing", "cause")
