"""A training that two machines began, and one of them goes on with."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def train(rank, folder, ranks, steps):
    torch.manual_seed(3 + rank)
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1))
    rows = 48 // ranks
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    last = folder / "last.pt"
    if last.exists():
        model.load_state_dict(torch.load(last))
    wrapped = DistributedDataParallel(model)
    for _ in range(steps):
        x = torch.randn(rows, 6)
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(wrapped(x), x[:, :1] - x[:, 1:2])
        loss.backward()
        optimizer.step()
    if rank == 0:
        torch.save(model.state_dict(), last)
        print(f"{ranks} ranks: {loss.item():.3f}")
    dist.barrier()


def worker(rank, folder, ranks, steps):
    meeting = (folder / f"meeting-{ranks}").as_uri()
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=ranks)
    train(rank, folder, ranks, steps)
    dist.destroy_process_group()


if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp())
    for ranks in (2, 1):
        mp.start_processes(worker, args=(folder, ranks, 20), nprocs=ranks, start_method="fork")
