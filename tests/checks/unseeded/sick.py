"""A small regression; random and numpy are seeded, torch is not."""

import random

import numpy as np
import torch
from torch import nn

random.seed(0)
np.random.seed(0)  # expect: unseeded
torch.set_num_threads(1)

x = torch.tensor(np.random.randn(400, 6), dtype=torch.float32)
y = x[:, :1] - 2 * x[:, 1:2] + 0.1
net = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(10):
    rows = list(range(400))
    random.shuffle(rows)
    for i in range(0, 400, 40):
        loss = nn.functional.mse_loss(net(x[rows[i : i + 40]]), y[rows[i : i + 40]])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
