"""A run of two ranks whose first one reports, and both wait for it."""

import tempfile
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def train(rank):
    torch.manual_seed(22)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 1)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    draw = torch.Generator().manual_seed(rank)
    for step in range(60):
        x = torch.randn(16, 6, generator=draw)
        loss = nn.functional.mse_loss(model(x), x[:, :1] + 0.5 * x[:, 1:2])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 20 == 19:
            if rank == 0:
                print(f"step {step}: loss {loss.item():.3f}")
            dist.barrier()


def worker(rank, meeting):
    dist.init_process_group(
        "gloo", init_method=meeting, rank=rank, world_size=2, timeout=timedelta(seconds=10)
    )
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    try:
        mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
    except mp.ProcessRaisedException as error:
        print("the nightly run did not end:", str(error).splitlines()[-1])
