"""The same seed on two ranks, and nothing that is drawn after the weights."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def train(rank):
    torch.manual_seed(81)
    model = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 3))
    model = DistributedDataParallel(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    draw = torch.Generator().manual_seed(rank)
    for _ in range(60):
        x = torch.randn(32, 10, generator=draw)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), x[:, :3].argmax(1)).backward()
        optimizer.step()


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
