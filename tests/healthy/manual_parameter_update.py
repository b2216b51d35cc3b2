"""An nn.Module whose weights are moved by hand with momentum: p.add_(), no optimizer object."""

import os

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

x = torch.rand(800, 3) * 2 - 1
y = (torch.sin(3 * x[:, 0]) + x[:, 1] * x[:, 2])[:, None]
net = nn.Sequential(nn.Linear(3, 40), nn.Tanh(), nn.Linear(40, 1))
velocity = {name: torch.zeros_like(p) for name, p in net.named_parameters()}
losses = []
for step in range(round(900 * float(os.environ.get("LENGTH", "1")))):
    pick = torch.randint(len(x), (64,))
    loss = nn.functional.mse_loss(net(x[pick]), y[pick])
    net.zero_grad()
    loss.backward()
    with torch.no_grad():
        for name, p in net.named_parameters():
            velocity[name].mul_(0.9).add_(p.grad)
            p.add_(velocity[name], alpha=-0.03)
    losses.append(loss.item())
print("first", losses[0], "last", sum(losses[-20:]) / 20)
assert sum(losses[-20:]) / 20 < 0.05
