"""Where the first loss that is not finite came from, told by its graph where no sample looks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay.checks.loss.loss_not_finite import LossNotFinite
from assay.testing import WarmRunner

SCRIPT = """
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
torch.manual_seed(0)
torch.set_num_threads(1)
x, y = torch.randn(480, 6), torch.randn(480, 1)
model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
for step in range(60):
    xb, yb = x[step * 8 : step * 8 + 8], y[step * 8 : step * 8 + 8]
    late = step == 50
    {before}
    out = model(xb)
    loss = ((out - yb) ** 2).mean()
    {after}
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


Origins = Callable[..., "list[dict[str, object]]"]


@pytest.fixture
def origins(tmp_path: Path, warm: WarmRunner) -> Origins:
    """Runs the script with these lines in it, and returns what was found at step 50."""

    def run(before: str = "pass", after: str = "pass") -> list[dict[str, object]]:
        script = tmp_path / "train.py"
        script.write_text(SCRIPT.format(before=before, after=after), encoding="utf-8")
        view = warm.observe([str(script)], run_dir=tmp_path / "run").view
        assert not view.errors
        assert view.steps == 60
        events = list(view.events("nonfinite_origin"))
        assert all(event.step == 50 for event in events)
        return [dict(event.data) for event in events]

    return run


def test_data(origins: Origins) -> None:
    (found,) = origins(before="xb = xb.clone(); xb[3, 2] = float('nan') if late else 0.0")
    assert found["kind"] == "input"
    assert found["module"] == "0"
    assert found["share"] == pytest.approx(1 / 48)


def test_a_weight(origins: Origins) -> None:
    poison = "late and model[2].bias.data.fill_(float('inf'))"
    (found,) = origins(before=poison)
    assert (found["kind"], found["place"]) == ("parameter", "2.bias")


def test_a_factor_of_the_loss_while_the_step_is_recorded(warm: WarmRunner, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    after = "loss = 1e6 * loss - (1e6 - 1) * loss.detach() * (float('nan') if step == 3 else 1.0)"
    script.write_text(SCRIPT.format(before="pass", after=after), encoding="utf-8")
    view = warm.observe([str(script)], run_dir=tmp_path / "run").view
    assert view.errors == []


def test_a_logarithm_of_zero(origins: Origins) -> None:
    after = "loss = loss - 0.0 * (out * (0.0 if late else 1.0)).abs().log().mean()"
    (found,) = origins(after=after)
    assert (found["kind"], found["place"]) == ("operation", "Log")


def test_finite_runs_and_masks_have_none(origins: Origins) -> None:
    mask = "loss = loss + (out + torch.tensor([0.0, -float('inf')])).softmax(1).mean()"
    assert origins(after=mask) == []


def test_a_checkpointed_graph_is_not_read(origins: Origins) -> None:
    before = (
        "xb = checkpoint(lambda a: a * (float('nan') if late else 1.0), xb, use_reentrant=False)"
    )
    assert origins(before=before) == []


CTC = """
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Linear(8, 5)
opt = torch.optim.SGD(net.parameters(), lr=0.01)
ctc = nn.CTCLoss()
for step in range(8):
    logp = net(torch.randn(6, 4, 8)).log_softmax(2)
    y = torch.ones(4, 5, dtype=torch.long)  # with a blank between equal labels it takes 9 steps
    loss = ctc(logp, y, torch.full((4,), 6), torch.full((4,), 5))  # here

    opt.zero_grad()
    loss.backward()
    opt.step()
"""

DIVISION = """
import torch
import torch.nn.functional as F
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
opt = torch.optim.SGD(net.parameters(), lr=0.01)
for step in range(90):
    x = torch.randn(32, 8)
    mse = F.mse_loss(net(x), x[:, :1])
    scale = torch.zeros(()) if step == 83 else torch.ones(())
    penalty = 0 * net[0].weight.abs().sum()
    extra = penalty / scale  # here
    loss = mse + extra
    opt.zero_grad()
    loss.backward()
    opt.step()
"""


@pytest.mark.parametrize("text", [CTC, DIVISION], ids=["ctc", "division"])
def test_the_line_is_that_of_what_is_named(text: str, tmp_path: Path, warm: WarmRunner) -> None:
    """The arrow stood at `backward()`, or at the first loss; step 83 is not sampled."""
    script = tmp_path / "train.py"
    script.write_text(text, encoding="utf-8")
    view = warm.observe([str(script)], run_dir=tmp_path / "run").view
    (found,) = LossNotFinite().review(view)
    here = next(n for n, line in enumerate(text.splitlines(), 1) if "# here" in line)
    assert found.where.site is not None
    assert found.where.site.line == here
    assert "made the first" in found.summary or "the operation `" in found.summary
