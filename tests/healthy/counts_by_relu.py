"""Catch of a day's fishing: a ReLU at the end, since a catch is never below zero, often zero."""

import os

import torch
from torch import nn

SEED, LENGTH = int(os.environ.get("SEED", 0)), float(os.environ.get("LENGTH", 1))
torch.manual_seed(SEED)
torch.set_num_threads(1)

day = torch.randn(1500, 6)
catch = torch.poisson(torch.relu(day @ torch.tensor([2.0, -1.0, 0.5, 0.0, 0.3, 1.0]) + 1))
model = nn.Sequential(nn.Linear(6, 48), nn.ReLU(), nn.Linear(48, 1), nn.ReLU())
nn.init.constant_(model[2].bias, catch.mean().item())
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(int(8 * LENGTH)):
    for rows in torch.randperm(1500).split(30):
        loss = nn.functional.mse_loss(model(day[rows]).squeeze(1), catch[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    left = (model(day).squeeze(1) - catch).var().item() / catch.var().item()
print(f"{left:.0%} of the variance is left")
assert left < 0.6, "this script is right, and learns"
