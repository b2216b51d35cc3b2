"""What the probes tell the model checks: twins, dead units, saturation, modes, outsiders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay.journal.view import RunView
from assay.testing import WarmRunner

HEAD = """
import copy
import torch
import torch.nn.functional as F
from torch import nn
torch.manual_seed(0)
torch.set_num_threads(1)
x, y = torch.randn(64, 6), torch.randint(0, 3, (64,))
"""


Watch = Callable[[str], RunView]


@pytest.fixture
def watch(tmp_path: Path, warm: WarmRunner) -> Watch:
    """Runs a script with this body under assay, and returns its record."""

    def run(body: str) -> RunView:
        script = tmp_path / "train.py"
        script.write_text(HEAD + body, encoding="utf-8")
        view = warm.observe([str(script)], run_dir=tmp_path / "run").view
        assert not view.errors
        assert view.observed
        return view

    return run


def line_of(tmp_path: Path, text: str) -> int:
    lines = (tmp_path / "train.py").read_text(encoding="utf-8").splitlines()
    return next(i for i, line in enumerate(lines, 1) if text in line)


LOOP = """
for step in range(20):
    optimizer.zero_grad()
    F.cross_entropy(model(x), y).backward()
    optimizer.step()
"""


def test_twins(watch: Watch, tmp_path: Path) -> None:
    view = watch(
        """
model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3))
nn.init.constant_(model[0].weight, 0.1)
nn.init.zeros_(model[0].bias)
with torch.no_grad():
    model[2].weight.copy_(model[2].weight[:1].expand(8, 8))
    model[4].weight.zero_()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
"""
        + LOOP,
    )
    training = view.trainings[0]
    assert set(training.places("row_twin_share")) == {"0.weight", "4.weight", "2.weight"}
    assert training.series("row_twin_share", "0.weight").first == 1.0
    # a last layer of zeros parts at once: its gradients differ from class to class
    assert max(training.series("row_twin_share", "4.weight").values) < 1.0
    (made,) = view.events("constant_init")
    assert made.data["parameter"] == "0.weight"
    assert made.data["by"][1] == line_of(tmp_path, "constant_(model[0].weight")


def test_dead_units_need_sixteen_samples_in_a_row(watch: Watch) -> None:
    view = watch(
        """
model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
with torch.no_grad():
    model[0].bias[:2] = -100.0
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
"""
        + LOOP,
    )
    series = view.trainings[0].series("dead_unit_share", "1")
    assert list(series.steps) == [15, 16, 17, 18, 19]
    assert list(series.values) == [0.25] * 5


def test_a_hinge_in_the_loss_has_no_units(watch: Watch) -> None:
    view = watch(
        """
model = nn.Linear(6, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(20):
    optimizer.zero_grad()
    out = model(x)
    (F.cross_entropy(out, y) + F.relu(out - 1000.0).mean()).backward()
    optimizer.step()
""",
    )
    assert view.trainings[0].places("dead_unit_share") == ()


def test_saturation_counts_before_weights_only(watch: Watch) -> None:
    view = watch(
        """
model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3), nn.Tanh())
with torch.no_grad():
    model[0].weight.mul_(1000)
    model[2].weight.mul_(1000)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
"""
        + LOOP,
    )
    training = view.trainings[0]
    assert training.places("activation_saturated_share") == ("1",)
    assert training.series("activation_saturated_share", "1").first > 0.9


@pytest.mark.parametrize(
    "evaluate",
    [
        "with torch.no_grad(): model(x)",
        "with torch.inference_mode(): model(x)",
        "torch.no_grad()(lambda: model(x))()",
    ],
)
def test_modes_and_what_came_after_a_switch(watch: Watch, tmp_path: Path, evaluate: str) -> None:
    view = watch(
        f"""
model = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.1), nn.Linear(8, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(8):
    optimizer.zero_grad()
    F.cross_entropy(model(x), y).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step == 3:
        model.eval()
    if step == 5:
        {evaluate}
""",
    )
    (switch,) = view.events("mode_switch")
    assert (switch.step, switch.data["training"], switch.data["owner"]) == (4, False, "Sequential")
    assert switch.site is not None
    assert switch.site.line == line_of(tmp_path, "model.eval()")
    (evaluated,) = view.events("evaluated")  # and not the clipping, which is torch's own business
    assert evaluated.step == 6
    share = view.trainings[0].series("eval_share", "Sequential")
    assert list(share.values) == [0.0] * 4 + [1.0] * 4


def test_a_model_that_is_the_same_in_both_modes_has_no_share(watch: Watch) -> None:
    view = watch(
        """
model = nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.Dropout(0.0), nn.Linear(8, 3)).eval()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
"""
        + LOOP,
    )
    assert view.trainings[0].places("eval_share") == ()


def test_outsiders_and_whether_they_move(watch: Watch) -> None:
    view = watch(
        """
model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
optimizer = torch.optim.SGD(model[0].parameters(), lr=0.1)
waiting = torch.optim.SGD([model[2].bias], lr=0.1)
for step in range(20):
    optimizer.zero_grad()
    F.cross_entropy(model(x), y).backward()
    optimizer.step()
    if step == 10:
        model[2].weight.data -= 0.1 * model[2].weight.grad
""",
    )
    event = list(view.events("outside_optimizer"))[-1]
    assert event.data["names"] == ["2.weight"]
    norms = view.trainings[0].series("outside_weight_norm").values
    assert len(set(norms[:10])) == 1
    assert norms[-1] != norms[0]
