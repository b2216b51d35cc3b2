"""Trains a network on random data and prints the CPU milliseconds of a step."""

import time

import torch
from torch import nn

torch.manual_seed(0)
WARM, TIMED = 100, 400
model = nn.Sequential(
    nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
)
x, y = torch.randn(2240, 64), torch.randint(0, 10, (2240,))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
for step in range(WARM + TIMED):
    if step == WARM:
        began = time.process_time()
    rows = slice(step % 10 * 224, step % 10 * 224 + 224)
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    loss.backward()
    optimizer.step()
print(f"ms a step: {1e3 * (time.process_time() - began) / TIMED}")
