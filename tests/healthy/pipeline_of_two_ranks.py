"""One model in two parts: rank 0 sends activations to rank 1, which sends gradients back."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn


def first(optimizer, part, draw):
    x = torch.randn(48, 10, generator=draw)
    optimizer.zero_grad()
    hidden = part(x)
    dist.send(hidden.detach(), 1)
    dist.send((x[:, 0] > x[:, 1]).long(), 1)
    gradient = torch.empty_like(hidden)
    dist.recv(gradient, 1)
    hidden.backward(gradient)
    optimizer.step()


def second(optimizer, part):
    hidden, label = torch.empty(48, 24), torch.empty(48, dtype=torch.long)
    dist.recv(hidden, 0)
    dist.recv(label, 0)
    hidden.requires_grad_()
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(part(hidden), label)
    loss.backward()
    dist.send(hidden.grad, 0)
    optimizer.step()
    return loss.item()


def train(rank):
    torch.manual_seed(19 + rank)
    draw = torch.Generator().manual_seed(3)
    if rank == 0:
        part = nn.Sequential(nn.Linear(10, 24), nn.ReLU())
        optimizer = torch.optim.SGD(part.parameters(), lr=0.2)
        for _ in range(80):
            first(optimizer, part, draw)
    else:
        part = nn.Sequential(nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 2))
        optimizer = torch.optim.SGD(part.parameters(), lr=0.2)
        losses = [second(optimizer, part) for _ in range(80)]
        print(f"{losses[0]:.4f} to {losses[-1]:.4f}")


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
