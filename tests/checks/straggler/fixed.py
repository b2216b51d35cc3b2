"""Two ranks, both of which read from the disk beside them."""

import tempfile
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset


class Scans(Dataset):
    """Rows of a table, on a disk that takes its time."""

    def __init__(self, rank):
        self.rows = torch.randn(512, 12, generator=torch.Generator().manual_seed(rank))
        self.takes = 0.0

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        time.sleep(self.takes)
        return self.rows[index], self.rows[index, :1] + self.rows[index, 1:2]


def train(rank):
    torch.manual_seed(5)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(12, 32), nn.Tanh(), nn.Linear(32, 1)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = DataLoader(Scans(rank), batch_size=16)
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
