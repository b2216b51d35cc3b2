"""The sum of gradients is right here: each rank divides its loss by the rows of all ranks."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn


def train(rank):
    torch.manual_seed(6)
    model = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    draw = torch.Generator().manual_seed(40 + rank)
    for step in range(80):
        rows = 16 + 8 * ((step + rank) % 2)
        x = torch.randn(rows, 6, generator=draw)
        total = torch.tensor(rows)
        dist.all_reduce(total)
        loss = nn.functional.cross_entropy(model(x), x[:, :3].argmax(1), reduction="sum") / total
        optimizer.zero_grad()
        loss.backward()
        for parameter in model.parameters():
            dist.all_reduce(parameter.grad)
        optimizer.step()


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
