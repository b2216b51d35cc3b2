"""Spectra on two ranks, which stop each epoch after as many batches as both have."""

import tempfile
from itertools import islice
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset


def train(rank):
    torch.manual_seed(30 + rank)
    rows = 256 + 32 * rank  # each rank has a file of its own
    spectrum = torch.randn(rows, 8)
    file = TensorDataset(spectrum, spectrum[:, :1].sin() + spectrum[:, 1:2])
    loader = DataLoader(file, batch_size=16, shuffle=True)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    step = 0
    batches = torch.tensor(len(loader))
    dist.all_reduce(batches, dist.ReduceOp.MIN)
    while step < 100:
        for x, y in islice(loader, int(batches)):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
            step += 1
            if step == 100:
                break


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
