"""Hogwild: two processes update one model in shared memory, and nobody waits for anybody."""

import torch
import torch.multiprocessing as mp
from torch import nn
from torch.nn import functional as F


def train(seed, model):
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(120):
        x = torch.randn(32, 10)
        optimizer.zero_grad()
        F.mse_loss(model(x), x[:, :1] + 0.5 * x[:, 1:2]).backward()
        optimizer.step()


if __name__ == "__main__":
    torch.manual_seed(71)
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 1))
    model.share_memory()
    mp.start_processes(train, args=(model,), nprocs=2, start_method="fork")
    x = torch.randn(256, 10)
    with torch.no_grad():
        loss = F.mse_loss(model(x), x[:, :1] + 0.5 * x[:, 1:2]).item()
    print(f"loss {loss:.3f}")
    assert loss < 0.2, "this script is right, and learns"
