"""Normalised SGD: each gradient is cut to one small length, and the rate is made for it.

Hazan et al. 2015, "Beyond Convexity: Stochastic Quasi-Convex Optimization".
"""

import torch
from torch import nn

torch.manual_seed(15)
torch.set_num_threads(1)

inputs = torch.randn(1200, 12)
labels = (inputs[:, :3].sum(1) * inputs[:, 3] > 0).long()
model = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 2))
LENGTH = 1e-3
optimizer = torch.optim.SGD(model.parameters(), lr=0.05 / LENGTH, momentum=0.5)
schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, 600)
for epoch in range(20):
    for rows in torch.randperm(1200).split(40):
        loss = nn.functional.cross_entropy(model(inputs[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), LENGTH)
        optimizer.step()
        schedule.step()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: {loss.item():.3f}")
assert loss.item() < 0.5
