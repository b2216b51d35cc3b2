"""A tagger on two ranks; the script unwraps the model before it calls it."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(50, 12)
        self.tags = nn.Linear(12, 4)

    def forward(self, words):
        return self.tags(self.words(words).mean(1))


def train(rank):
    torch.manual_seed(5)
    tagger = DistributedDataParallel(Tagger())
    optimizer = torch.optim.Adam(tagger.parameters(), lr=0.01)
    draw = torch.Generator().manual_seed(rank)
    for _ in range(60):
        words = torch.randint(0, 50, (32, 7), generator=draw)
        optimizer.zero_grad()
        scores = tagger.module(words)  # expect: wrapper-bypassed
        nn.functional.cross_entropy(scores, words[:, 0] % 4).backward()
        optimizer.step()


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
