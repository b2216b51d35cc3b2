"""Each kind of value that is not finite: operation, line and reason are the true ones.

A script marks its guilty line: `# expect: OPERATION | PART OF THE REASON`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from assay.journal.events import NONFINITE_TRACED, NonfiniteTraced
from assay.journal.reader import read_run
from assay.journal.view import Event, RunView
from assay.signals.nonfinite.told import blamed, site, told
from assay.testing import WarmRunner
from assay.trials.child import Command
from assay.trials.experiment import Experiment
from assay.trials.plan import Budget
from assay.trials.retracing import AS_CHECKED, target, trace
from assay.trials.store import Store

Traces = list[Event[NonfiniteTraced]]

HERE = Path(__file__).parent
KINDS = sorted((HERE / "kinds").glob("*.py"))
ALIKE = sorted((HERE / "alike").glob("*.py"))


NOT_RECORDED = {"adam_without_eps", "bad_data", "cast_overflow", "constant_column",
                "custom_function_backward", "scaler_skips"}  # fmt: skip
"""What is computed before the model is called, after its backward pass, or in code of the user's,
is on no tape; of a run that begins with steps that are skipped, other steps are traced."""


def seen(script: Path, warm: WarmRunner, folder: Path) -> tuple[RunView, Traces]:
    """Runs a script, and once more where it broke; returns what the first run traced itself."""
    view = warm.observe([str(script)], run_dir=folder).view
    own = list(view.events(NONFINITE_TRACED))
    view.all_events[:] = [event for event in view.all_events if event not in own]
    command = Command((str(script),), sys.executable, spawn=warm.spawn)
    trace(view, command, folder, lambda child: None, AS_CHECKED)
    return view, own


def expected(script: Path) -> tuple[int, str, str]:
    for number, line in enumerate(script.read_text().splitlines(), 1):
        if "# expect: " in line:
            operation, _, reason = line.partition("# expect: ")[2].partition(" | ")
            return number, operation, reason
    raise AssertionError(f"{script.name} marks no line")


@pytest.mark.parametrize("script", [*KINDS, *ALIKE], ids=lambda path: path.stem)
def test_operation_line_and_reason(script: Path, warm: WarmRunner, tmp_path: Path) -> None:
    view, own = seen(script, warm, tmp_path / "run")
    assert not view.errors
    second = next(view.events(NONFINITE_TRACED)).data
    line, operation, reason = expected(script)
    for data in [second] + [event.data for event in own[: script.stem not in NOT_RECORDED]]:
        found = site(data)
        assert found is not None
        assert (found.line, blamed(data) or data["phase"]) == (line, operation)
        assert reason in told(data)
    assert second["differs_from"] is None
    assert bool(own) == (script.stem not in NOT_RECORDED - {"scaler_skips"})
    again = read_run(tmp_path / "run")
    assert any(event.data == second for event in again.events(NONFINITE_TRACED))


def test_there_are_sixteen_kinds_forward_backward_and_half() -> None:
    names = [path.stem for path in KINDS]
    assert len(names) >= 16
    assert sum("backward" in name for name in names) >= 6
    assert sum("half" in name or "cast" in name for name in names) >= 4


def test_an_unseeded_script_says_that_its_losses_differ(warm: WarmRunner, tmp_path: Path) -> None:
    script = tmp_path / "unseeded.py"
    script.write_text(
        "import os\n"
        "import torch\n"
        "torch.manual_seed(int.from_bytes(os.urandom(4), 'little'))\n"
        "model = torch.nn.Linear(2, 1)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "for step in range(4):\n"
        "    loss = model(torch.randn(8, 2)).square().mean()\n"
        "    if step == 2:\n"
        "        loss = loss / 0\n"
        "    optimizer.zero_grad()\n"
        "    loss.backward()\n"
        "    optimizer.step()\n"
    )
    view, _ = seen(script, warm, tmp_path / "run")
    data = next(view.events(NONFINITE_TRACED)).data
    assert data["differs_from"] == 0
    assert "whose losses were others from step 0 on" in told(data)


def test_a_healthy_run_is_not_run_again(warm: WarmRunner, tmp_path: Path) -> None:
    script = tmp_path / "well.py"
    script.write_text(
        "import torch\n"
        "model = torch.nn.Linear(2, 1)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "for step in range(3):\n"
        "    model(torch.ones(1, 2)).square().mean().backward()\n"
        "    optimizer.step()\n"
    )
    assert target(warm.observe([str(script)], run_dir=tmp_path / "run").view) == ""


def test_fix_names_the_operation_too(warm: WarmRunner, tmp_path: Path) -> None:
    script = HERE / "kinds" / "adam_without_eps.py"
    command = Command((str(script),), sys.executable, spawn=warm.spawn)
    experiment = Experiment(command, Store(tmp_path), Budget(minutes=10), "train")
    trial = experiment.fix(lambda view, diagnosis: [])
    assert trial.diagnosis is not None
    found = next(f for f in trial.diagnosis.findings if f.check == "loss-not-finite")
    assert "`addcdiv` in the optimizer's update of `weight` made the first NaN" in found.summary
    assert found.where.site is not None
    assert found.where.site.line == expected(script)[0]


def test_check_deep_tells_it_in_its_report(assay_here: Any) -> None:
    done = assay_here("check", "--deep", str(HERE / "kinds" / "adam_without_eps.py"))
    said = " ".join(done.stderr.split())
    assert "at step 0 `addcdiv` in the optimizer's update of `weight` made the first NaN" in said
    assert "divides by the root of squared gradients, and its eps is 0" in said
    assert "give the optimizer an eps above 0" in said
