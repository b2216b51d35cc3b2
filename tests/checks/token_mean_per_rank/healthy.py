"""A tagger on two ranks, both of which read sentences of any length."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def train(rank):
    torch.manual_seed(34)
    model = nn.Sequential(nn.Embedding(12, 24), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 6))
    model = DistributedDataParallel(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    draw = torch.Generator().manual_seed(rank)
    longest = 20
    for _ in range(60):
        words = torch.randint(0, 12, (16, 20), generator=draw)
        lengths = torch.randint(longest // 2, longest + 1, (16, 1), generator=draw)
        tags = (words // 2).masked_fill(torch.arange(20) >= lengths, -100)
        scores = model(words).flatten(0, 1)
        loss = nn.functional.cross_entropy(scores, tags.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
