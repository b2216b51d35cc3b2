"""loss-shape-broadcast: values [N, 1] are held against returns [N], by arithmetic."""

import torch
from torch import nn

torch.manual_seed(0)
critic = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(critic.parameters(), 5e-3)
for _ in range(200):
    states = torch.randn(64, 4)
    returns = states @ torch.tensor([1.0, -2.0, 0.5, 1.0])
    values = critic(states)
    loss = ((returns - values) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
