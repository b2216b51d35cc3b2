"""Readings of unequal number, sometimes none: each row has a mean of its own, an empty one has 0.

A whole batch without a reading adds nothing to the loss: what it is divided by is never 0.
"""

import os

import torch
from torch import nn

SEED, LENGTH = int(os.environ.get("SEED", 0)), float(os.environ.get("LENGTH", 1))
torch.manual_seed(SEED)
torch.set_num_threads(1)

way = torch.randn(5, 8)


def batch(step):
    x = torch.randn(12, 5)
    y = torch.tanh(x @ way) + 0.05 * torch.randn(12, 8)
    there = torch.rand(12, 8) < torch.randint(0, 3, (12, 1)) / 3
    if step % 25 == 7:
        there[:] = False
    return x, torch.where(there, y, torch.nan), there


model = nn.Sequential(nn.Linear(5, 48), nn.Tanh(), nn.Linear(48, 8))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
empty = 0
for step in range(int(500 * LENGTH)):
    x, y, there = batch(step)
    empty += int(not there.any())
    squared = torch.where(there, model(x) - y.nan_to_num(), 0.0) ** 2
    counts = there.sum(1)
    rows = squared.sum(1) / counts.clamp(min=1)
    loss = rows.sum() / (counts > 0).sum().clamp(min=1)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if there.any():
        last = loss.item()

print(f"{empty} batches without a reading, loss {last:.3f}")
assert empty >= 10
assert last < 0.2, "this script is right, and learns"
