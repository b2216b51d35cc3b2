"""A rate so high that the loss overflows."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=50.0)

for step in range(12):
    x = torch.randn(8, 4)
    out = model(x)  # expect: matrix product (addmm) | largest number of float32
    loss = (out - 1).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
