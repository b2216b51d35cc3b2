"""An elastic run: of three ranks one goes, and two go on from the checkpoint, with their data."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel

ROWS = 48
"""In each step, of all ranks together: however many there are, the batch is the same."""


def train(rank, folder, ranks, until):
    torch.manual_seed(72 + rank)
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    step, last = 0, folder / "last.pt"
    if last.exists():
        state = torch.load(last)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    wrapped = DistributedDataParallel(model)
    while step < until:
        x = torch.randn(ROWS // ranks, 8)
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(wrapped(x), x[:, :1] + x[:, 1:2])
        loss.backward()
        optimizer.step()
        step += 1
        if step % 20 == 0 and rank == 0:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
            torch.save(state, last)
    dist.barrier()
    if rank == 0:
        print(f"{ranks} ranks to step {until}: {loss.item():.3f}")


def worker(rank, folder, ranks, until):
    meeting = (folder / f"meeting-{ranks}").as_uri()
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=ranks)
    train(rank, folder, ranks, until)
    dist.destroy_process_group()


if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp())
    for ranks, until in ((3, 60), (2, 120)):
        mp.start_processes(worker, args=(folder, ranks, until), nprocs=ranks, start_method="fork")
