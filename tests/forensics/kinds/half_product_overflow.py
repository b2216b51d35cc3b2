"""Sums of squares above 65,504 under autocast-like halves."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.001)

for step in range(6):
    x = torch.randn(8, 4)
    if step == 3:
        x[0] *= 2000
    out = model(x).half()
    loss = (out * out).float().mean()  # expect: mul | above 65,504
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
