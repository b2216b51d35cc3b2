"""RealNVP by maximum likelihood: the loss is a negative log-density and goes below zero, no loss
function is called.
"""

import math
import os

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
STEPS = round(400 * float(os.environ.get("LENGTH", "1")))


class Coupling(nn.Module):
    def __init__(self, flip, width=48):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(
            nn.Linear(1, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2)
        )
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x):
        a, b = x.flip(1).split(1, 1) if self.flip else x.split(1, 1)
        s, t = self.net(a).split(1, 1)
        s = torch.tanh(s) * 2
        b = b * s.exp() + t
        y = torch.cat([a, b], 1)
        return (y.flip(1) if self.flip else y), s.squeeze(1)


class Flow(nn.Module):
    def __init__(self, layers=6):
        super().__init__()
        self.layers = nn.ModuleList(Coupling(i % 2 == 1) for i in range(layers))

    def log_prob(self, x):
        total = x.new_zeros(len(x))
        for layer in self.layers:
            x, log_det = layer(x)
            total = total + log_det
        return total - 0.5 * x.pow(2).sum(1) - math.log(2 * math.pi)


def sample(n):
    x = 0.4 * torch.randn(n, 1)
    return torch.cat([x, x**2 + 0.05 * torch.randn(n, 1)], 1)


flow = Flow()
optimizer = torch.optim.Adam(flow.parameters(), lr=2e-3)
for step in range(STEPS):
    loss = -flow.log_prob(sample(128)).mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(flow.parameters(), 10.0)
    optimizer.step()
    if step % 80 == 0:
        print(f"{step:4d} {loss.item():+.3f} nats")
print(f"end  {loss.item():+.3f} nats")
assert loss.item() < -0.6
