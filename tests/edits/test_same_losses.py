"""The patched copy of a script trains exactly as the script does with the trick."""

from __future__ import annotations

import math
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from assay.cli.trying import write_change
from assay.edits.catalogue import changes
from assay.edits.patch import FileChange
from assay.edits.script import Script
from assay.journal.series import Series
from assay.journal.view import Evaluation, RunView, Training
from assay.testing import WarmRunner
from assay.trials.change import Change, same_losses
from assay.trials.child import Child, Command
from assay.trials.plan import CONTROL, Candidate, Job, candidate_of
from assay.trials.result import Result
from assay.trials.trial import Trial
from assay.trials.verdict import Reverse, Verdict
from assay.tricks.reading import read_all

STEPS = 30

ILL = """\
    import torch
    import torch.nn.functional as F
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(3)
    torch.set_num_threads(1)
    labels = torch.arange(400) // 100
    data = TensorDataset(torch.randn(400, 8) + labels[:, None], labels)
    loader = DataLoader(data, batch_size=20)
    net = nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.1), nn.Tanh(), nn.Linear(16, 4))
    sgd = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.5)
    for epoch in range(3):
        for x, y in loader:
            p = F.softmax(net(x), dim=1)
            loss = F.cross_entropy(p, y)
            loss.backward()
            sgd.step()
        net.eval()
        with torch.no_grad():
            held = F.cross_entropy(net(data.tensors[0]), labels)
"""

OTHER_MODULE = """\
    import torch

    class Trainer:
        def __init__(self, model):
            self.model = model
            self.opt = torch.optim.Adam(
                model.parameters(),
                lr=1e-2,  # usual
            )
            self.scaler = torch.amp.GradScaler("cpu")

        def fit(self, batches):
            for x, y in batches:
                self.opt.zero_grad()
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    loss = torch.nn.functional.mse_loss(self.model(x), y)
                self.scaler.scale(loss).backward()
                self.scaler.step(self.opt)
                self.scaler.update()
"""

USES_IT = """\
    import torch
    from pathlib import Path
    from trainer import Trainer

    torch.manual_seed(0)
    torch.set_num_threads(1)
    assert Path(__file__).with_name("trainer.py").exists()
    batches = [(torch.randn(16, 4), 100 * torch.randn(16)) for _ in range(40)]
    Trainer(torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Linear(8, 1))).fit(batches)
"""


def start(
    warm: WarmRunner, script: Path, candidate: Candidate, path: Path, files: tuple[FileChange, ...]
) -> Child:
    patched = {file.path: file.after for file in files}
    what = Command((str(script),), None, 1, spawn=warm.spawn)
    return Child(what, Job(candidate, 0, STEPS), path, patched=patched)


def finish(child: Child) -> tuple[Result, RunView]:
    while not child.ended():
        time.sleep(0.02)
    result, view = child.read()
    said = (child.path / "output.txt").read_text()
    assert result.state == "done", said
    return result, view


@pytest.fixture(scope="module", params=["script", "project"])
def home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, warm: WarmRunner
) -> tuple[Path, Result, RunView]:
    """A project and its run as it is."""
    folder = tmp_path_factory.mktemp("home")
    script = folder / "train.py"
    is_script = request.param == "script"
    script.write_text(textwrap.dedent(ILL if is_script else USES_IT))
    if not is_script:
        (folder / "trainer.py").write_text(textwrap.dedent(OTHER_MODULE))
    return script, *finish(start(warm, script, CONTROL, folder / "control", ()))


CASES = {
    "script": ["zero-grad", "clip-norm=0.3", "lr=x0.03", "logits", "shuffle+train-mode+warmup=9"],
    "project": ["clip-norm=0.3", "match-target-shape+lr=x0.3"],
}


@pytest.mark.slow
def test_the_patched_copy_trains_as_the_trick_does(
    home: tuple[Path, Result, RunView], tmp_path: Path, warm: WarmRunner
) -> None:
    script, control, plain = home
    others = sorted(script.parent.glob("*.py"))
    before = [path.read_bytes() for path in others]
    for number, text in enumerate(CASES["project" if len(others) > 1 else "script"]):
        candidate = candidate_of(read_all([text]))
        made = Script(plain, control.sources, STEPS)
        files = next(iter(changes(made, candidate.tricks)))
        runs = [
            start(warm, script, candidate, tmp_path / f"trick{number}", ()),
            start(warm, script, CONTROL, tmp_path / f"patch{number}", files),
        ]
        (_, treated), (_, patched) = (finish(run) for run in runs)
        assert same_losses(treated, patched) == (True, STEPS), text
        assert same_losses(treated, plain)[0] is None, f"{text} changes nothing"
        assert [path.read_bytes() for path in others] == before
        assert {file.path.name for file in files} == {others[-1].name}


def view(*losses: float, held: float | None = None) -> RunView:
    series = Series(enumerate(losses))
    found = [] if held is None else [Evaluation(1, "mse_loss", held, None, 3)]
    signals = {"loss": {"": series}}
    return RunView(trainings=[Training(0, "SGD", steps=3, signals=signals, evaluations=found)])


def test_when_losses_are_the_same() -> None:
    assert same_losses(view(1.0, math.nan, 0.1), view(1.0, math.nan, 0.1)) == (True, 3)
    assert same_losses(view(1.0, 0.1), view(1.0, 0.1 + 1e-7)) == (False, 2)
    assert same_losses(view(1.0, 0.1), view(1.0, 0.1 + 1e-3))[0] is None
    assert same_losses(view(1.0, 0.1), view(1.0, math.nan))[0] is None
    assert same_losses(view(1.0, math.inf), view(1.0, math.inf))[0] is True
    assert same_losses(view(1.0, 0.1), view(1.0))[0] is None
    assert same_losses(view(), view())[0] is None
    assert same_losses(view(1.0, held=2.0), view(1.0, held=2.0))[0] is True
    assert same_losses(view(1.0, held=2.0), view(1.0, held=3.0))[0] is None
    assert same_losses(view(1.0, held=2.0), view(1.0))[0] is None
    assert same_losses(RunView(), view(1.0))[0] is None


def test_what_is_written_and_what_is_not(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_bytes(b"old")
    cure = candidate_of(read_all(["zero-grad"]), ("zero-grad-missing",))
    trial = Trial("x", tmp_path, ("train.py",))
    assert "nothing was proved" in write_change(trial)

    trial.verdicts = [Verdict(cure, "proved", "")]
    trial.change = Change(cure, "none", "it comes from cfg.lr")
    assert write_change(trial).endswith("nothing is written: it comes from cfg.lr")

    files = (FileChange(path, b"old", b"new", ""),)
    trial.change = Change(cure, "checked", "", files)
    trial.verdicts = [Verdict(cure, "proved", "", reverse=Reverse(brought=("loss-not-finite",)))]
    assert "there is still loss-not-finite" in write_change(trial)
    assert path.read_bytes() == b"old"

    trial.verdicts = [Verdict(cure, "proved", "")]
    path.write_bytes(b"edited meanwhile")
    assert "has changed since it was run" in write_change(trial)
    assert path.read_bytes() == b"edited meanwhile"

    path.write_bytes(b"old")
    assert write_change(trial) == ""
    assert path.read_bytes() == b"new"
    assert trial.change.written == (path,)
    assert replace(trial.change, written=()).as_dict()["written"] == []
