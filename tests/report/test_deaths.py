"""A rank that died is named, with how it ended, whoever has noticed it."""

from __future__ import annotations

import json
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

from assay.journal.deaths import read_deaths
from assay.journal.view import RunView
from assay.journal.writer import FLUSH_SECONDS
from assay.launch.leftovers import kill_leftovers
from assay.report.ending import how_it_ended
from assay.testing import WarmRunner, make_run, make_training

SCRIPT = """
import os, signal, time, torch, torch.distributed as dist, torch.multiprocessing as mp
from torch import nn
def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    torch.manual_seed(rank)
    model = nn.parallel.DistributedDataParallel(nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    began = time.monotonic()
    for step in range(2_000_000):
        if step > 40 and time.monotonic() > began + FLUSHED and rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        optimizer.zero_grad()
        model(torch.randn(16, 8)).square().mean().backward()
        optimizer.step()
if __name__ == "__main__":
    mp.start_processes(worker, args=("file://MEETING",), nprocs=2, start_method="fork")
"""


def test_a_rank_that_is_killed(warm: WarmRunner, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    wait = str(2 * FLUSH_SECONDS)  # what rank 1 has recorded is on disk by then
    text = SCRIPT.replace("MEETING", str(tmp_path / "meeting")).replace("FLUSHED", wait)
    script.write_text(text)
    observed = warm.observe([str(script)], run_dir=tmp_path / "run")
    assert observed.outcome.exit_code == 1
    said = how_it_ended(observed.view) or ""
    assert "rank 1 was killed by SIGKILL (the usual reason is that memory ran out)" in said
    assert observed.view.steps
    assert not observed.view.errors


def run(*ended: bool) -> RunView:
    trainings = [make_training(index=n, process=n, loss=[1.0] * (5 + n)) for n in range(len(ended))]
    for training in trainings:
        training.rank = training.process
    processes = [
        {"pid": 40 + n, "rank": n, **({"ended": True} if end else {})}
        for n, end in enumerate(ended)
    ]
    facts = {"world": len(ended), "processes": processes, "exit_code": 1}
    return make_run(*trainings, facts=facts)


def said(view: RunView, folder: Path, *deaths: tuple[int, int]) -> str | None:
    path = folder / "deaths.jsonl"
    if deaths:
        lines = ({"pid": pid, "index": 9, "exit_code": code} for pid, code in deaths)
        path.write_text("\n".join(map(json.dumps, lines)) + "\n{torn")
    read_deaths(path, view)
    return how_it_ended(view)


def test_the_one_that_was_killed_comes_first(tmp_path: Path) -> None:
    deaths = (40, 1), (41, -SIGKILL), (42, -SIGTERM), (43, -SIGTERM)
    assert said(run(False, False, False, False), tmp_path, *deaths) == (
        "ended with exit status 1: rank 1 was killed by SIGKILL (the usual reason is that memory "
        "ran out), and its record ends after 6 steps; rank 0 failed after it; ranks 2 and 3 were "
        "then ended"
    )
    assert said(run(False), tmp_path, (40, 3)) == (
        "ended with exit status 1: rank 0 ended with exit status 3, and its record ends after 5 "
        "steps"
    )
    assert "rank 9 was killed" in str(said(run(False), tmp_path, (99, -SIGKILL)))


@pytest.mark.parametrize("ended", [(True, True), (False, False), (False,)])
def test_nothing_is_said_where_no_one_differs(tmp_path: Path, ended: tuple[bool, ...]) -> None:
    assert said(run(*ended), tmp_path) == "ended with exit status 1 after %s steps" % (
        4 + len(ended)
    )


def test_a_record_without_an_end_is_enough(tmp_path: Path) -> None:
    assert said(run(True, False), tmp_path) == (
        "ended with exit status 1: rank 1 left no end in its record (it was killed, or still "
        "runs), and its record ends after 6 steps"
    )


KILLED_FROM_OUTSIDE = """
import glob, os, random, signal, sys, time, torch, torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    torch.manual_seed(rank)
    model = nn.parallel.DistributedDataParallel(nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    while True:
        optimizer.zero_grad()
        model(torch.randn(16, 8)).square().mean().backward()
        optimizer.step()
if __name__ == "__main__":
    ranks = mp.start_processes(
        worker, args=("file://MEETING",), nprocs=2, join=False, start_method="fork"
    )
    while len(glob.glob(os.environ["ASSAY_RUN"] + "/journal-*")) < 2:
        time.sleep(0.01)
    time.sleep(random.Random().uniform(0, 0.5))
    victim = random.Random().choice((0, 1))
    print(victim, flush=True)
    os.kill(ranks.pids()[victim], signal.SIGKILL)
    ranks.join()
"""


def test_whichever_rank_is_killed_at_whatever_moment_it_is_named(
    warm: WarmRunner, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "train.py"
    script.write_text(KILLED_FROM_OUTSIDE.replace("MEETING", str(tmp_path / "meeting")))
    observed = warm.observe([str(script)], run_dir=tmp_path / "run")
    victim = capfd.readouterr().out.strip()
    told = how_it_ended(observed.view) or ""
    assert f"rank {victim} was killed by SIGKILL" in told
    assert kill_leftovers(tmp_path / "run") == []
