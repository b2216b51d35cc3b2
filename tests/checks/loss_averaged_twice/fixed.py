"""Letters on two ranks, averaged by DistributedDataParallel alone."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def train(rank):
    torch.manual_seed(9)
    ink = torch.randn(800, 10)
    letter = (ink[:, :4] + 0.3 * torch.randn(800, 4)).argmax(1)
    reader = DistributedDataParallel(nn.Sequential(nn.Linear(10, 40), nn.ReLU(), nn.Linear(40, 4)))
    optimizer = torch.optim.SGD(reader.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(8):
        for rows in torch.randperm(800).split(80):
            own = rows[rank::2]
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(reader(ink[own]), letter[own])
            loss.backward()
            optimizer.step()
        if rank == 0:
            print(f"epoch {epoch}: {loss.item():.4f}")


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
