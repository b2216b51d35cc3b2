"""Trained through the wrapper; in evaluations the model inside is called, which is right."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def train(rank):
    torch.manual_seed(11)
    shape = torch.randn(512, 12)
    kind = (shape[:, :3] @ torch.randn(3, 3)).argmax(1)
    wrapped = DistributedDataParallel(nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3)))
    optimizer = torch.optim.AdamW(wrapped.parameters(), lr=0.01)
    for epoch in range(8):
        wrapped.train()
        for rows in torch.randperm(384).split(64):
            own = rows[rank::2]
            optimizer.zero_grad()
            nn.functional.cross_entropy(wrapped(shape[own]), kind[own]).backward()
            optimizer.step()
        wrapped.eval()
        if rank == 0:
            with torch.no_grad():
                answer = wrapped.module(shape[384:]).argmax(1)
            print(f"epoch {epoch}: {(answer == kind[384:]).float().mean().item():.3f}")


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
