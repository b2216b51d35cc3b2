"""Drawn apart on two ranks, and made alike by DistributedDataParallel when it is built."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def train(rank):
    torch.manual_seed(rank)
    net = nn.Sequential(nn.Linear(7, 30), nn.ReLU(), nn.Linear(30, 2))
    net = DistributedDataParallel(net, gradient_as_bucket_view=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(60):
        x = torch.randn(40, 7)
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), (x[:, 0] > x[:, 1]).long()).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
