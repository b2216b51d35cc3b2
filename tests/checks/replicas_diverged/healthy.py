"""Federated averaging by hand: each rank takes steps of its own, then the weights are averaged."""

import tempfile
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn


def average(model):
    for parameter in model.parameters():
        dist.all_reduce(parameter.data)
        parameter.data /= dist.get_world_size()


def train(rank):
    torch.manual_seed(rank)
    clicks = torch.randn(640, 10) + 0.2 * rank  # each hospital has patients of its own
    bought = (clicks[:, 0] - clicks[:, 1] > 0).float()
    model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 1))
    average(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(12):
        for rows in torch.randperm(640).split(80):
            optimizer.zero_grad()
            answer = model(clicks[rows]).squeeze(1)
            nn.functional.binary_cross_entropy_with_logits(answer, bought[rows]).backward()
            optimizer.step()
        average(model)


def worker(rank, meeting):
    dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    train(rank)
    dist.destroy_process_group()


if __name__ == "__main__":
    meeting = Path(tempfile.mkdtemp(), "meeting").as_uri()
    mp.start_processes(worker, args=(meeting,), nprocs=2, start_method="fork")
