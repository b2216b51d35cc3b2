"""Monte Carlo dropout (Gal and Ghahramani 2016): dropout stays on while it is evaluated, by plan,
and the mean of many passes is the answer.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))


def target(x):
    return torch.sin(3 * x) + 0.5 * x


x = 4 * torch.rand(600, 1) - 2
y = target(x) + 0.1 * torch.randn(600, 1)
held_x = torch.linspace(-1.8, 1.8, 100).unsqueeze(1)
held_y = target(held_x)
model = nn.Sequential(
    nn.Linear(1, 64), nn.Tanh(), nn.Dropout(0.05), nn.Linear(64, 64), nn.Tanh(), nn.Dropout(0.05),
    nn.Linear(64, 1),
)  # fmt: skip
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(round(20 * LENGTH)):
    for idx in torch.randperm(600).split(50):
        loss = F.mse_loss(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():  # still in training mode
        passes = torch.stack([model(held_x) for _ in range(20)])
        known = F.mse_loss(passes.mean(0), held_y)
    print(
        f"epoch {epoch}: {loss.item():.4f}, {known.item():.4f}, spread {passes.std(0).mean():.3f}"
    )
assert known < 0.05
