"""Two losses of two batches, added up and passed backward once: one average is needed."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def train(rank):
    torch.manual_seed(15)
    twin = DistributedDataParallel(nn.Sequential(nn.Linear(7, 28), nn.Tanh(), nn.Linear(28, 4)))
    optimizer = torch.optim.AdamW(twin.parameters(), lr=0.01)
    draw = torch.Generator().manual_seed(rank)
    for _ in range(60):
        x = torch.randn(2, 16, 7, generator=draw)
        given = torch.cat([x[0], x[1] + 0.1 * torch.randn(16, 7, generator=draw)])
        answer = twin(given)
        first = nn.functional.cross_entropy(answer[:16], x[0, :, :4].argmax(1))
        second = nn.functional.cross_entropy(answer[16:], x[1, :, :4].argmax(1))
        optimizer.zero_grad()
        (first + second).backward()
        optimizer.step()


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
