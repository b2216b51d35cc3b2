"""Spectra on two ranks, one of which has two batches more, inside join()."""

import tempfile
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
    with model.join():
        for _ in range(5):
            for x, y in loader:
                optimizer.zero_grad()
                loss = nn.functional.mse_loss(model(x), y)
                loss.backward()
                optimizer.step()
                step += 1
    print(f"rank {rank}: {step} steps, {loss.item():.4f}")


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
