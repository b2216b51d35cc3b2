"""Trains a network on random data and prints the CPU milliseconds of a step."""

import time

import torch
from torch import nn

torch.manual_seed(0)
WARM, TIMED = 100, 300
block = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.1, batch_first=True)
body = nn.TransformerEncoder(block, 2, enable_nested_tensor=False)
model = nn.Sequential(body, nn.Flatten(), nn.Linear(64 * 32, 10))
x, y = torch.randn(160, 32, 64), torch.randint(0, 10, (160,))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
for step in range(WARM + TIMED):
    if step == WARM:
        began = time.process_time()
    rows = slice(step % 10 * 16, step % 10 * 16 + 16)
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    loss.backward()
    optimizer.step()
print(f"ms a step: {1e3 * (time.process_time() - began) / TIMED}")
