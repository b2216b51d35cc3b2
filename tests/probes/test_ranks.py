"""What each rank writes by itself, so that ranks can be compared."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from assay.probes.distributed.ranks import weighted_sum
from assay.testing import WarmRunner

SCRIPT = """
import os, torch, torch.distributed as dist, torch.multiprocessing as mp
from torch import nn
def worker(rank, meeting):
    os.environ["LOCAL_RANK"] = str(rank)
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()
def train(rank):
    torch.manual_seed(0)
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(12):
        x = torch.randn(2, 8, 4)[rank]
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), x[:, :2].square()).backward()
        for p in model.parameters():
            dist.all_reduce(p.grad)
            p.grad /= 2
        optimizer.step()
if __name__ == "__main__":
    meeting = "file://" + os.path.abspath("meeting")
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
"""


@pytest.fixture(scope="module")
def view(warm: WarmRunner, tmp_path_factory: pytest.TempPathFactory) -> object:
    folder = tmp_path_factory.mktemp("ranks")
    (folder / "train.py").write_text(SCRIPT.replace('os.path.abspath("meeting")', f"'{folder}/m'"))
    return warm.observe([str(folder / "train.py")], run_dir=folder / "run").view


def test_the_process_is_known(view: object) -> None:
    processes = sorted(view.facts["processes"], key=lambda process: process["rank"])  # type: ignore[attr-defined]
    assert [p["rank"] for p in processes] == [p["local_rank"] for p in processes] == [0, 1]
    assert {p["backend"] for p in processes} == {"gloo"}
    assert len({p["node"] for p in processes}) == 1
    assert [e.data for e in view.events("joined")] == [{"world": 2, "backend": "gloo"}] * 2  # type: ignore[attr-defined]


def test_an_average_of_gradients_is_the_average_of_their_sums(view: object) -> None:
    first, second = view.trainings  # type: ignore[attr-defined]
    for step in first.series("grad_sum").steps:
        local = [t.series("local_grad_sum").at(step) for t in (first, second)]
        assert local[0] != local[1]
        for training in (first, second):
            used = training.series("grad_sum").at(step)
            assert math.isclose(used, sum(local) / 2, rel_tol=1e-6, abs_tol=1e-5)
    for signal in ("random_state", "random_state_after"):  # nothing is drawn in between
        assert list(first.series(signal)) == list(second.series("random_state"))
        assert len(set(first.series(signal).values)) == 12
    for signal in ("grad_fingerprint", "weight_fingerprint"):
        assert list(first.series(signal)) == list(second.series(signal))
        assert len(set(first.series(signal).values)) == 12


DDP = """
def train(rank):
    torch.manual_seed(0)
    model = nn.parallel.DistributedDataParallel(nn.Linear(4, 2))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for step in range(6):
        optimizer.zero_grad()
        for turn in range(3):
            x = torch.randn(2, 8, 4)[rank]
            with model.no_sync() if turn < step % 3 else contextlib.nullcontext():
                model(x).square().mean().backward()
        optimizer.step()
    torch.save(model.module, FILE)
    with open(FILE, "wb") as file:
        torch.save(model.module, file)
"""


def test_averaged_passes_and_files(warm: WarmRunner, tmp_path: Path) -> None:
    head, _, rest = SCRIPT.partition("def train(rank):")
    _, _, tail = rest.partition("if __name__")
    script = head.replace("import os", "import contextlib, os") + DDP + "if __name__" + tail
    script = script.replace('os.path.abspath("meeting")', f"'{tmp_path}/m'")
    (tmp_path / "train.py").write_text(script.replace("FILE", f"'{tmp_path}/{{}}.pt'.format(rank)"))
    seen = warm.observe([str(tmp_path / "train.py")], run_dir=tmp_path / "run").view
    for training in seen.trainings:
        assert list(training.series("reduced_passes").values) == [3.0, 2.0, 1.0] * 2
    paths = sorted(event.data["path"] for event in seen.events("saved"))
    assert paths == [str(tmp_path / "0.pt"), str(tmp_path / "1.pt")]
    (first, second) = seen.events("replicated")
    assert first.data == second.data
    assert (first.data["cls"], first.data["world"], first.data["hook"]) == ("Linear", 2, None)
    assert not first.data["joined"]


def test_a_weighted_sum_depends_on_places() -> None:
    row = torch.randn(6, 5)
    assert weighted_sum([row]) != weighted_sum([row.flip(0)])
    twice = weighted_sum([2 * row, row])
    parts = weighted_sum([row, row]), weighted_sum([row, torch.zeros(6, 5)])
    assert math.isclose(float(twice), float(parts[0]) + float(parts[1]))  # type: ignore[arg-type]
    assert weighted_sum([]) is None
