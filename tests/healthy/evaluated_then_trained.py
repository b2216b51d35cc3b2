"""A stream is evaluated before it is learnt from: each batch is held out, then trained on."""

import os

import torch
import torch.nn.functional as F
from torch import nn

SEED, LENGTH = int(os.environ.get("SEED", "0")), float(os.environ.get("LENGTH", "1"))
torch.manual_seed(101 + SEED)
torch.set_num_threads(1)

weights = torch.randn(10)
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)


def stream(batches, size=32):
    for number in range(batches):
        x = torch.randn(size, 10)
        drift = 1 + number / batches
        yield x, (x @ weights + drift * x[:, 0] > 0).long()


right = []
for test_x, test_y in stream(int(250 * LENGTH)):
    model.eval()
    with torch.no_grad():
        right.append((model(test_x).argmax(1) == test_y).float().mean().item())
    model.train()
    loss = F.cross_entropy(model(test_x), test_y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
late = sum(right[-50:]) / 50
print(f"right before it was learnt: {late:.2f}")
assert late > 0.85
