"""Four small batches a step on two ranks, and one average of their gradients."""

import contextlib
import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def train(rank):
    torch.manual_seed(14)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(10, 32), nn.GELU(), nn.Linear(32, 1)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    draw = torch.Generator().manual_seed(rank)
    for step in range(50):
        optimizer.zero_grad()
        for turn in range(4):
            x = torch.randn(8, 10, generator=draw)
            with model.no_sync() if turn < 3 else contextlib.nullcontext():
                loss = nn.functional.mse_loss(model(x), x[:, :1] + x[:, 1:2].square()) / 4
                loss.backward()
        optimizer.step()


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
