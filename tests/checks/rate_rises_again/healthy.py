"""Snapshots (Huang et al. 2017): a cosine by hand that starts anew five times, and ends low."""

import math

import torch
from torch import nn

torch.manual_seed(3)
torch.set_num_threads(1)

x = torch.randn(400, 9)
y = (x[:, :3] * x[:, 3:6]).sum(1, keepdim=True) + 0.1 * torch.randn(400, 1)
model = nn.Sequential(nn.Linear(9, 48), nn.SiLU(), nn.Linear(48, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
CYCLE, CYCLES = 40, 5
snapshots, step = [], 0
while step < CYCLE * CYCLES:
    for rows in torch.randperm(400).split(40):
        phase = (step % CYCLE) / CYCLE
        optimizer.param_groups[0]["lr"] = 0.025 * (1 + math.cos(math.pi * phase))
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        if step % CYCLE == 0:
            snapshots.append({k: v.clone() for k, v in model.state_dict().items()})
            print(f"snapshot {len(snapshots)}: {loss.item():.4f}")
