"""Three batches are gathered for each step, and their sum is divided by three, once."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def train(rank):
    torch.manual_seed(4)
    net = DistributedDataParallel(nn.Sequential(nn.Linear(9, 30), nn.Tanh(), nn.Linear(30, 1)))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    draw = torch.Generator().manual_seed(rank)
    for step in range(180):
        x = torch.randn(24, 9, generator=draw)
        last = step % 3 == 2
        net.require_backward_grad_sync = last  # what no_sync() does
        nn.functional.mse_loss(net(x), x[:, :1] - x[:, 1:2].square()).backward()
        if last:
            for parameter in net.parameters():
                parameter.grad /= 3
            optimizer.step()
            optimizer.zero_grad()


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
