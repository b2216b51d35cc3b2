"""The ladder end to end, over small scripts with one fault each."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assay.diagnosis.ladder import Ladder, ladder_of
from assay.ladder import climbing
from assay.testing import WarmRunner

SETTINGS = {"ladder": True, "opening": 32, "steps": 2000, "seconds": 30.0}
SCRIPT = """
import torch
from torch import nn
torch.manual_seed(0)
x = torch.randn(512, 6)
y = (x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] > 1).long()
class Kept(nn.Module):
    def forward(self, x):
        return x if self.training else x.roll(1, 1)
model = nn.Sequential(nn.Linear(6, 32), nn.Tanh(), nn.Linear(32, 3))
optimizer = torch.optim.SGD(model.parameters(), RATE)
for step in range(160):
    rows = torch.randint(512, (32,))
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(OUTPUT, y[rows])
    loss.backward()
    optimizer.step()
"""


def climb(warm: WarmRunner, folder: Path, output: str = "model(x[rows])", rate: str = "0.3",
          script: str = SCRIPT) -> Ladder:  # fmt: skip
    path = folder / "train.py"
    path.write_text(script.replace("OUTPUT", output).replace("RATE", rate))
    observed = warm.observe([str(path)], SETTINGS, run_dir=folder / "run")
    assert not observed.view.errors
    return ladder_of(observed.view)


def states(ladder: Ladder) -> dict[str, str]:
    return {rung.name: rung.state for rung in ladder.rungs}


def test_healthy_script_breaks_no_rung(warm: WarmRunner, tmp_path: Path) -> None:
    found = climb(warm, tmp_path)
    assert found.broken is None, found.verdict()
    assert states(found)["batch"] == "passes"
    assert states(found)["optimizer"] == "passes"


def test_loss_that_can_not_get_low_breaks_the_batch(warm: WarmRunner, tmp_path: Path) -> None:
    found = climb(warm, tmp_path, "model(x[rows]).softmax(1)")
    assert found.broken is not None
    assert found.broken.name == "batch"


def test_detached_loss_breaks_the_batch(warm: WarmRunner, tmp_path: Path) -> None:
    output = "model(x[rows]).detach() + 0 * model[0].bias.sum()"
    found = climb(warm, tmp_path, output)
    assert found.broken is not None
    assert (found.broken.name, "no gradient" in found.broken.said) == ("batch", True)


def test_rate_that_is_too_low_breaks_the_optimizer(warm: WarmRunner, tmp_path: Path) -> None:
    found = climb(warm, tmp_path, rate="1e-5")
    assert found.broken is not None
    assert found.below is not None
    assert (found.below.name, found.broken.name) == ("batch", "optimizer")


def test_check_deep_tells_the_ladder_and_puts_files_back(
    assay_here: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    text = SCRIPT.replace("OUTPUT", "model(x[rows])").replace("RATE", "1e-5")
    (tmp_path / "train.py").write_text(text + "open('log.txt', 'a').write('done\\n')\n")
    done = assay_here("check", "--deep", "train.py")
    assert done.returncode == 0
    assert "ladder: " in done.stderr
    assert "between batch and optimizer" in done.stderr
    assert (tmp_path / "log.txt").read_text() == "done\n"


def test_a_step_with_a_closure_is_tried_too(warm: WarmRunner, tmp_path: Path) -> None:
    """As frameworks step: the closure clears, computes and goes back once for each step."""
    plain = SCRIPT[SCRIPT.index("    optimizer.zero_grad()") :]
    closed = "    def closure():\n" + "".join(
        f"    {line}\n" for line in plain.splitlines() if line and "step()" not in line
    )
    script = SCRIPT.replace(plain, closed + "        return loss\n    optimizer.step(closure)\n")
    assert "step(closure)" in script
    assert states(climb(warm, tmp_path, script=script))["loop"] == "passes"


SICK = {
    "data": ("y = (x[:, 0]", "y = torch.randint(3, (512,)) * 0 + (torch.randn(512) > 0).long()  #"),
    "stream": ("rows = torch.randint(512, (32,))", "rows = torch.arange(32)"),
    "loop": ("    optimizer.zero_grad()\n", ""),
    "mode": ("nn.Tanh(),", "nn.Tanh(), Kept(),"),
}


@pytest.mark.parametrize("rung", SICK)
def test_each_rung_fails_of_its_own_fault(rung: str, warm: WarmRunner, tmp_path: Path) -> None:
    assert SICK[rung][0] in SCRIPT
    script = SCRIPT.replace(*SICK[rung])
    if rung == "loop":  # old gradients are harmless where steps are short
        script = script.replace("RATE)", "0.3, momentum=0.9)")
    found = climb(warm, tmp_path, script=script)
    assert found.broken is not None, [rung.said for rung in found.rungs]
    assert found.broken.name == rung, found.verdict()


def test_optimizer_of_the_scripts_own_is_told_of(warm: WarmRunner, tmp_path: Path) -> None:
    own = SCRIPT.replace(
        "optimizer = torch.optim.SGD(", "class Mine(torch.optim.SGD): pass\noptimizer = Mine("
    )
    found = climb(warm, tmp_path, script=own)
    assert states(found)["batch"] == "passes"
    untried = {rung.name: rung.said for rung in found.rungs if rung.state == "untried"}
    assert untried["optimizer"] == "Mine is an optimizer of your own"
    assert untried["stream"] == untried["loop"] == untried["optimizer"]


def test_forked_worker_and_a_further_rank_do_not_climb(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    watch: Any = SimpleNamespace(
        serve=lambda probe: None, event=lambda kind, **data: events.append(data["rung"]),
        shared=lambda kind: None,
    )  # fmt: skip
    ladder = climbing.Ladder(watch)
    monkeypatch.setenv("RANK", "1")
    ladder.finish()
    monkeypatch.delenv("RANK")
    monkeypatch.setattr(climbing.os, "getpid", lambda: -1)
    ladder.finish()
    assert events == []
    monkeypatch.undo()
    ladder.finish()
    assert events == [name for name, _ in climbing.RUNGS]
