"""Seeds are set once, before the first epoch, to make the run repeatable."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def set_seed(seed):
    random.seed(seed)
    torch.manual_seed(seed)


def make_data(count=600):
    x = torch.rand(count, 3)
    return TensorDataset(x, torch.sin(4 * x[:, :1]) + x[:, 1:2] * x[:, 2:])


def train(model, loader, optimizer):
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


if __name__ == "__main__":
    set_seed(42)
    loader = DataLoader(make_data(), batch_size=30, shuffle=True)
    model = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(10):
        print(epoch, train(model, loader, optimizer))
