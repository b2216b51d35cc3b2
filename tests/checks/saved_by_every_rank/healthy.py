"""Each of two ranks writes a file of its own: its random state is in it."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def train(rank, folder):
    torch.manual_seed(8)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 3)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    draw = torch.Generator().manual_seed(rank)
    for step in range(1, 61):
        x = torch.randn(20, 6, generator=draw)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), x[:, 3:].argmax(1)).backward()
        optimizer.step()
        if step % 20 == 0:
            state = {"model": model.module.state_dict(), "draw": draw.get_state()}
            torch.save(state, folder / f"state-{rank}.pt")


def worker(rank, folder):
    meeting = (folder / "meeting").as_uri()
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank, folder)
    dist.destroy_process_group()


if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp())
    mp.start_processes(worker, args=(folder,), nprocs=2, start_method="fork")
