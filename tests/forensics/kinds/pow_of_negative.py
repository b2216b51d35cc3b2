"""A root by ** of a number that may be negative."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for step in range(6):
    x = torch.randn(8, 4)
    h = model(x).abs() if step != 2 else model(x)
    loss = ((h + 0.01) ** 0.3).mean()  # expect: pow | power that is not whole
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
