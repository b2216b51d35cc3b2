"""A table with one gap."""

import torch
from torch import nn

torch.manual_seed(0)
table = torch.randn(64, 4)
table[37, 2] = float("nan")
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for step in range(6):
    x = table[8 * step : 8 * step + 8]  # expect: given | in 1 of 64 rows (37)
    loss = model(x).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
