"""Two layers, each split over two ranks (tensor parallel): both see the same batch, rightly."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    RowwiseParallel,
    parallelize_module,
)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide = nn.Linear(8, 32)
        self.narrow = nn.Linear(32, 3)

    def forward(self, x):
        return self.narrow(torch.relu(self.wide(x)))


def train(rank):
    torch.manual_seed(29)
    mesh = init_device_mesh("cpu", (2,))
    plan = {"wide": ColwiseParallel(), "narrow": RowwiseParallel()}
    model = parallelize_module(Block(), mesh, plan)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9, foreach=False)
    for _ in range(60):
        x = torch.randn(40, 8)  # one seed, one batch
        loss = nn.functional.cross_entropy(model(x), x[:, :3].argmax(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if rank == 0:
        print(f"{loss.item():.4f}")


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
