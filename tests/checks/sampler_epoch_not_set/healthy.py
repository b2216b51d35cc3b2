"""Ages of trees on two ranks; the epoch is counted from the seed on, which is as good."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


def train(rank):
    torch.manual_seed(21)
    bark = torch.randn(384, 8)
    age = (bark[:, :1] * bark[:, 1:2]).tanh()
    trees = TensorDataset(bark, age)
    sampler = DistributedSampler(trees, seed=5)
    loader = DataLoader(trees, batch_size=24, sampler=sampler)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(8, 40), nn.Tanh(), nn.Linear(40, 1)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    for epoch in range(10):
        sampler.set_epoch(100 + epoch)
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
