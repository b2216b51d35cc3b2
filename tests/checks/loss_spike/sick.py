"""Freight by weight and distance. The table was typed by hand, and nobody has looked at it."""

import torch
from torch import nn

torch.manual_seed(61)
torch.set_num_threads(1)

rows = torch.rand(4000, 4)
cost = rows @ torch.tensor([1.0, 2.0, -0.5, 0.3]) + 0.05 * torch.randn(4000)
cost[2718] = cost[2718] * 100  # in cents
model = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)  # expect: loss-spike
log = []
for start in range(0, 4000, 16):
    batch = slice(start, start + 16)
    prediction = model(rows[batch]).squeeze(1)
    loss = nn.functional.mse_loss(prediction, cost[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    log.append(loss.item())
print("last", log[-1], "highest", max(log[20:]))
