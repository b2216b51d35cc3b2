"""Gradients are averaged by hand between two ranks, whose weights were drawn apart."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn


def train(rank):
    torch.manual_seed(100 + rank)  # each rank draws data of its own
    layers = nn.Linear(5, 20), nn.Tanh(), nn.Linear(20, 1)
    model = nn.Sequential(*layers)  # expect: initial-weights-differ
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(80):
        x = torch.randn(24, 5)
        loss = nn.functional.mse_loss(model(x), x[:, :1] * x[:, 1:2])
        optimizer.zero_grad()
        loss.backward()
        for parameter in model.parameters():
            dist.all_reduce(parameter.grad)
            parameter.grad /= 2
        optimizer.step()


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
