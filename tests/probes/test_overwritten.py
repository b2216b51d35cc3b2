"""A backward pass that fails since a step has changed what it needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.report.ending import how_it_ended
from assay.testing import WarmRunner

GAN = """
import torch
from torch import nn
torch.manual_seed(0)
maker, judge = nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
makes = torch.optim.Adam(maker.parameters(), 1e-3)
judges = torch.optim.SGD(judge.parameters(), 1e-3)
for step in range({steps}):
    said = judge(maker(torch.randn(16, 2)))
    judges.zero_grad()
    said.mean().backward(retain_graph=True)
    for _ in range(step - {steps} + 2):
        judges.step()
    makes.zero_grad()
    {between}
    said.square().mean().backward()
    makes.step()
    if step < {steps} - 1:
        judges.step()
"""


@pytest.mark.parametrize("steps", [3, 80])
def test_the_step_between_forward_and_backward_is_named(
    warm: WarmRunner, tmp_path: Path, steps: int
) -> None:
    script = tmp_path / "train.py"
    script.write_text(GAN.format(steps=steps, between="pass"))
    view = warm.observe([str(script)], run_dir=tmp_path / "run").view
    (event,) = view.events("overwritten")
    assert event.data["parameter"] == "Sequential.2.weight"
    assert view.trainings[event.training or 0].optimizer == "SGD"
    assert "a step of SGD (train.py:19) changed Sequential.2.weight" in (how_it_ended(view) or "")


def test_what_no_step_changed_is_not_blamed_on_one(warm: WarmRunner, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    text = GAN.format(steps=3, between="said.add_(1)").replace("step - 3 + 2", "0")
    script.write_text(text.replace("said.square()", "said = said.exp(); said.add_(1); said"))
    view = warm.observe([str(script)], run_dir=tmp_path / "run").view
    assert view.facts["exit_code"] == 1
    assert not list(view.events("overwritten"))
