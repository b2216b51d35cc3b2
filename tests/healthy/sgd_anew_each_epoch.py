"""Plain SGD is built anew for each epoch, with the next rate: it keeps nothing to lose."""

import os

import torch
from torch import nn

torch.manual_seed(22 + int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))
torch.set_num_threads(1)

x = torch.randn(800, 12)
y = (x @ torch.randn(12, 4)).argmax(1)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))

for epoch in range(int(12 * LENGTH)):
    rate = 0.3 * 0.8 ** (epoch % 4)  # falls, and starts again
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    total = 0.0
    for rows in torch.randperm(800).split(50):
        optimizer.zero_grad(set_to_none=False)
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()
        total += loss.item() / 16
    print(f"epoch {epoch} at {rate:.2f}: {total:.3f}")
assert total < 0.7, total
