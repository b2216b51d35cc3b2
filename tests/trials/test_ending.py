"""The loss of training batches in evaluation mode, when a run of a trial ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.journal.events import LOSS_AT_END
from assay.testing import WarmRunner
from assay.trials.metric import USED, measure

SCRIPT = """
import sys
import torch
from torch import nn
torch.manual_seed(0)
torch.set_num_threads(1)
model = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), DROP, nn.Linear(16, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
first = []
for step in range(40):
    x = torch.randn(12, 4)
    y = (x[:, 0] > 0).long()
    first.append((x.clone(), y))
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
    x.zero_()
model.train()
twin = nn.Sequential(*[part for part in model]).eval()
with torch.no_grad():
    losses = [nn.functional.cross_entropy(twin(x), y).item() for x, y in first[:8]]
twin.train()
open(sys.argv[1], "w").write(repr(sum(losses) / 8))
"""


def test_it_is_the_loss_that_plain_torch_finds(warm: WarmRunner, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT.replace("DROP", "nn.Dropout(0.5)"))
    plain, seen = (
        warm.observe(
            [str(script), str(tmp_path / f"{asked}.txt")],
            {"comparable": asked},
            run_dir=tmp_path / str(asked),
        )
        for asked in (False, True)
    )
    assert not seen.view.errors
    (event,) = seen.view.events(LOSS_AT_END)
    output = (tmp_path / "True.txt").read_text()
    assert output == (tmp_path / "False.txt").read_text(), "the run is as without it"
    assert event.data["loss"] == pytest.approx(float(output), rel=1e-6)
    assert measure(seen.view).values[USED] == event.data["loss"]
    assert USED not in measure(plain.view).values


def test_why_it_is_not_known_is_told(warm: WarmRunner, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    text = SCRIPT.replace("DROP", "nn.Dropout(0.5)")
    script.write_text(text.replace("model(x), y)", "model(x) + model(x), y)"))
    seen = warm.observe(
        [str(script), str(tmp_path / "loss")], {"comparable": True}, run_dir=tmp_path / "run"
    )
    (event,) = seen.view.events(LOSS_AT_END)
    assert event.data["loss"] is None
    assert event.data["why"] == "the model is called several times in one step"
    assert USED not in measure(seen.view).values
