"""Two ranks write their random states every twenty steps, under the step's own name."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def train(rank, folder):
    torch.manual_seed(51)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(8, 24), nn.Tanh(), nn.Linear(24, 1)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    draw = torch.Generator().manual_seed(rank)
    for step in range(60):
        x = torch.randn(32, 8, generator=draw)
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), x[:, :1] + x[:, 1:2])
        loss.backward()
        optimizer.step()
        if step % 20 == rank:  # in turn: the disk is slow
            torch.save(draw.get_state(), folder / f"draw-{rank}-at-{step}.pt")


def worker(rank, folder):
    meeting = (folder / "meeting").as_uri()
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank, folder)
    dist.destroy_process_group()


if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp())
    mp.start_processes(worker, args=(folder,), nprocs=2, start_method="fork")
