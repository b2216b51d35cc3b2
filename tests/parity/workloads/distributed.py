"""Two processes on gloo, each with half of the data: DDP, batch norm, dropout, an evaluation."""

import multiprocessing
import socket

import torch
import torch.distributed as dist
import torch.nn.functional as F
from fingerprint import digits, seed, show
from torch import nn
from torch.nn.parallel import DistributedDataParallel

STEPS = 44


def train(rank, port):
    address = f"tcp://127.0.0.1:{port}"
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    seed()
    inputs, labels = digits()
    model = DistributedDataParallel(
        nn.Sequential(
            nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 3)
        )
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for step in range(STEPS):
        rows = torch.randperm(128)[rank:64:2]
        loss = F.cross_entropy(model(inputs[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if step % 20 == 10:
            model.eval()
            with torch.no_grad():
                losses.append(F.cross_entropy(model(inputs), labels).item())
            model.train()
    for turn in range(2):  # one after the other, so that the lines come in order
        if turn == rank:
            show(losses, model)
        dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    other = multiprocessing.get_context("fork").Process(target=train, args=(1, port))
    other.start()
    train(0, port)
    other.join()
    assert other.exitcode == 0
