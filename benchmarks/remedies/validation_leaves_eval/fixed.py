"""Validates every fifty steps, and goes on training in the mode it was left in."""

import itertools

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from assay.demo import digits

torch.manual_seed(19)
torch.set_num_threads(1)


def loaders():
    x, y = digits.load()
    x = x - 5
    train = TensorDataset(x[:1400], y[:1400])
    return DataLoader(train, 28, shuffle=True), DataLoader(TensorDataset(x[1400:], y[1400:]), 397)


@torch.no_grad()
def validate(model, loader):
    model.eval()
    losses = [nn.functional.cross_entropy(model(x), y) for x, y in loader]
    model.train()
    return torch.stack(losses).mean().item()


def cycle(loader):
    while True:
        yield from loader


train_loader, val_loader = loaders()


def block(inputs, outputs):
    return [nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU()]


model = nn.Sequential(*block(64, 96), *block(96, 96), *block(96, 96), nn.Linear(96, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for step, (x, y) in enumerate(itertools.islice(cycle(train_loader), 301)):
    if step % 50 == 0:
        print(f"step {step}: val loss {validate(model, val_loader):.4f}")
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
