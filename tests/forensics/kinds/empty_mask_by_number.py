"""The same with a count that has become a number of Python."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for step in range(6):
    x = torch.randn(8, 4)
    valid = torch.rand(8) < (0.7 if step != 4 else 0.0)
    count = valid.sum().item()
    error = model(x).square().sum(1)
    loss = (error * valid).sum() / count  # expect: div | 0 / 0
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
