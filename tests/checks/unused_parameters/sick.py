"""A model of two heads, the ages for which are not there yet."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(12, 32), nn.Tanh())
        self.kind = nn.Linear(32, 3)
        self.age = nn.Linear(32, 1)

    def forward(self, x):
        seen = self.body(x)
        return self.kind(seen), self.age(seen)


def train(rank):
    torch.manual_seed(8)
    model = DistributedDataParallel(Reader())  # expect: unused-parameters
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    draw = torch.Generator().manual_seed(rank)
    try:
        for step in range(40):
            x = torch.randn(16, 12, generator=draw)
            kind, _ = model(x)
            loss = nn.functional.cross_entropy(kind, x[:, :3].argmax(1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    except RuntimeError as error:
        print(f"rank {rank} stopped after {step} steps: {error}")


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
