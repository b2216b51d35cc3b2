"""A regression on two ranks with sixteen samples each."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def train(rank):
    torch.manual_seed(41)
    model = nn.Sequential(
        nn.Linear(10, 24),
        nn.BatchNorm1d(24),
        nn.ReLU(),
        nn.Linear(24, 1),
    )
    model = DistributedDataParallel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    draw = torch.Generator().manual_seed(rank)
    for _ in range(60):
        x = 2 * torch.randn(16, 10, generator=draw)
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), (x[:, :1] + x[:, 1:2]) / 2).backward()
        optimizer.step()


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
