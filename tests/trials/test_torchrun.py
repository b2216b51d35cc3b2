"""Runs of a trial that torchrun starts: side by side, with tricks, ended with all their ranks."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from assay.journal.reader import read_run
from assay.launch.leftovers import kill_leftovers
from assay.trials.child import Child, Command
from assay.trials.plan import CONTROL, Job, candidate_of
from assay.tricks.reading import read

LIMIT_S = 240
TRAIN = """\
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

torch.set_num_threads(1)
dist.init_process_group("gloo")
torch.manual_seed(0)
model = DistributedDataParallel(torch.nn.Linear(4, 2))
optimizer = torch.optim.SGD(model.parameters(), 0.1)
draw = torch.Generator().manual_seed(dist.get_rank())
for step in range(10**9):
    x = torch.randn(8, 4, generator=draw)
    optimizer.zero_grad()
    torch.nn.functional.mse_loss(model(x), x[:, :2]).backward()
    optimizer.step()
    if step % 5 == 4:
        with torch.no_grad():
            torch.nn.functional.mse_loss(model(x), x[:, :2])
"""


def wait(children: list[Child]) -> None:
    until = time.monotonic() + LIMIT_S
    while sum(child.ended() for child in children) < len(children):
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.timeout(2 * LIMIT_S)
def test_two_at_a_time_on_the_same_named_port(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(TRAIN)
    torchrun = sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"
    command = Command(("--", *torchrun, "--master-port", "29477", str(script)))
    clipped = candidate_of([read("clip-norm=0.01"), read("early-stop=3")])
    jobs = [Job(CONTROL, 0, steps=30), Job(clipped, 0, steps=30)]
    children = [Child(command, job, tmp_path / str(i)) for i, job in enumerate(jobs)]
    wait(children)
    for child in children:
        result, view = child.read()
        assert (result.state, result.steps) == ("done", 30), result.why
        assert sorted(training.rank for training in view.trainings) == [0, 1]
        losses = [training.series("loss") for training in view.trainings]
        assert [series.steps[-1] for series in losses] == [29, 29]
    first, last = (list(read_run(child.path).trainings[0].series("loss")) for child in children)
    assert first[0] == last[0]
    assert first != last

    killed = Child(command, Job(CONTROL, 0), tmp_path / "killed")
    until = time.monotonic() + LIMIT_S
    while len(list(killed.path.glob("journal-*"))) < 2:
        assert not killed.ended()
        assert time.monotonic() < until
        time.sleep(0.05)
    killed.kill()
    assert kill_leftovers(killed.path) == []
