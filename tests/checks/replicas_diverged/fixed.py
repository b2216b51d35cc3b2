"""River levels on two ranks; both lower the rate by the loss over all held-out rows."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def train(rank):
    torch.manual_seed(3)
    flow = torch.randn(1024, 6)
    level = torch.sin(flow[:, :1]) + 0.3 * flow[:, 1:2]
    model = DistributedDataParallel(nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Linear(24, 1)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=0.1)
    own, held_out = torch.arange(rank, 984, 2), torch.arange(984 + rank, 1024, 2)
    for epoch in range(14):
        for rows in own[torch.randperm(492)].split(82):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(flow[rows]), level[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            loss = nn.functional.mse_loss(model(flow[held_out]), level[held_out])
        dist.all_reduce(loss)
        scheduler.step(loss / 2)
        if rank == 0:
            print(f"epoch {epoch}: {loss.item():.4f}")


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
