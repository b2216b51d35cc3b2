"""Two ranks keep their random states beside the model that is the best of both."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def train(rank, folder):
    torch.manual_seed(50)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(8, 24), nn.Tanh(), nn.Linear(24, 1)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    draw = torch.Generator().manual_seed(rank)
    best = float("inf")
    for step in range(60):
        x = torch.randn(32, 8, generator=draw)
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), x[:, :1] + x[:, 1:2])
        loss.backward()
        optimizer.step()
        both = loss.detach().clone()
        dist.all_reduce(both)
        reached = both.item()
        if step > 20 and reached < best:
            best = reached
            state = {"model": model.module.state_dict(), "draw": draw.get_state()}
            torch.save(state, folder / f"best-{rank}.pt")


def worker(rank, folder):
    meeting = (folder / "meeting").as_uri()
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank, folder)
    dist.destroy_process_group()


if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp())
    mp.start_processes(worker, args=(folder,), nprocs=2, start_method="fork")
