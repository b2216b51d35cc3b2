"""Two ranks with two samples each: layer norms and a group norm ask for no larger batch."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel


def train(rank):
    torch.manual_seed(73)
    torch.set_num_threads(1)
    model = nn.Sequential(
        nn.Conv1d(1, 8, 3, padding=1),
        nn.GroupNorm(2, 8),
        nn.GELU(),
        nn.Flatten(),
        nn.LayerNorm(8 * 12),
        nn.Linear(8 * 12, 1),
    )
    model = DistributedDataParallel(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    draw = torch.Generator().manual_seed(rank)
    losses = []
    for _ in range(100):
        x = torch.randn(2, 1, 12, generator=draw)
        loss = nn.functional.mse_loss(model(x), x[:, 0, :6].mean(1, keepdim=True))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"rank {rank}: {sum(losses[:20]) / 20:.3f} to {sum(losses[-20:]) / 20:.3f}")


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
