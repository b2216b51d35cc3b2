"""Two ranks by mp.spawn, which start a Python of their own each, and share what they evaluate."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


def train(rank):
    torch.set_num_threads(1)
    torch.manual_seed(74)
    x = torch.randn(256, 6)
    data = TensorDataset(x, (x[:, :1] + x[:, 1:2] > 0).float())
    torch.manual_seed(74 + rank)
    sampler = DistributedSampler(data)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 1)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(8):
        sampler.set_epoch(epoch)
        for inputs, targets in DataLoader(data, batch_size=16, sampler=sampler):
            loss = nn.functional.binary_cross_entropy_with_logits(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        mean = loss.detach().clone()
        dist.all_reduce(mean, dist.ReduceOp.SUM)
        if rank == 0:
            print(f"epoch {epoch}: {mean.item() / 2:.3f}")


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.spawn(worker, args=(meeting,), nprocs=2)
