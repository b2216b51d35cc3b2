"""Rates that go up and down by plan, batches that differ, and a loss that falls all the while."""

import math

import torch
from torch import nn

torch.manual_seed(73)
torch.set_num_threads(1)

x = torch.randn(1200, 10)
y = (x[:, :3].sum(1) + 0.5 * x[:, 3] * x[:, 4] > 0).long()
model = nn.Sequential(nn.Linear(10, 40), nn.ReLU(), nn.Linear(40, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
waves = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda step: 0.1 + 0.45 * (1 + math.cos(step * math.tau / 40))
)
for epoch in range(6):
    for rows in torch.randperm(1200).split(24):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        waves.step()
print(f"loss {loss.item():.3f}")
assert loss.item() < 0.4, "this script is right, and learns"
