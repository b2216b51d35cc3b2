"""Huber loss on targets with outliers: the training loss stays far above the held-out one, which
has none.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))

x = torch.randn(800, 8)
weights = torch.randn(8, 1)
y = torch.tanh(x @ weights) + 0.05 * torch.randn(800, 1)
y[:600][torch.rand(600) < 0.1] += 20.0
model = nn.Sequential(
    nn.Linear(8, 32), nn.BatchNorm1d(32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)
)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(round(15 * LENGTH)):
    model.train()
    for idx in torch.randperm(600).split(60):
        loss = F.huber_loss(model(x[idx]), y[idx], delta=0.2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        known = F.huber_loss(model(x[600:]), y[600:], delta=0.2)
    print(f"epoch {epoch}: loss {loss.item():.3f}, held out {known.item():.3f}")
assert known < 0.1
