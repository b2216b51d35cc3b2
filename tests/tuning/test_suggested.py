"""A space by itself: what the record of a run suggests, bounded by what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.journal.view import RunView, Training
from assay.testing import WarmRunner
from assay.tuning.own import own_point
from assay.tuning.setting import Settings
from assay.tuning.space import read_space
from assay.tuning.suggested import suggested

SCRIPT = """
import torch
torch.set_num_threads(1)
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.02, weight_decay=0.05)
for step in range(40):
    x = torch.randn(32, 4)
    loss = torch.nn.functional.mse_loss(model(x), x.sum(1, keepdim=True))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


@pytest.fixture(scope="module")
def view(warm: WarmRunner, tmp_path_factory: pytest.TempPathFactory) -> RunView:
    folder = tmp_path_factory.mktemp("suggested")
    (folder / "train.py").write_text(SCRIPT)
    return warm.observe([str(folder / "train.py")], base=folder / "runs").view


def test_a_space_holds_the_script_s_own_setting(view: RunView, tmp_path: Path) -> None:
    space = suggested(view)
    assert [d.name for d in space] == ["lr", "weight-decay", "clip-norm", "warmup"]
    assert [str(d) for d in read_space(map(str, space))] == [str(d) for d in space]
    assert own_point(Settings(space, ("train.py",), tmp_path), view) == {
        "lr": 0.02, "weight-decay": 0.05, "clip-norm": "none", "warmup": "none",
    }  # fmt: skip


def test_the_rate_is_bounded_by_the_measured_sharpness(view: RunView) -> None:
    training = next(t for t in view.trainings if t.steps)
    for stress, high in ((4.0, 0.095), (1e-3, 0.6)):  # limit 19
        made = Training(0, "AdamW", groups=training.groups, steps=40)
        made.signals = {name: dict(places) for name, places in training.signals.items()}
        for name, value in (("rate_times_sharpness", stress), ("stability_limit", 19.0)):
            series = type(training.series("loss"))([(26, value)])
            made.signals[name] = {"": series}
        rate = suggested(RunView(trainings=[made]))[0]
        assert rate.high == pytest.approx(high)
        assert rate.low < 0.02 < rate.high


def test_nothing_is_suggested_without_an_optimizer() -> None:
    assert suggested(RunView()) == ()
