"""A GAN that draws densities: a sigmoid at the end, and data that lie in 0 to 1."""

import torch
from torch import nn

torch.manual_seed(1)
torch.set_num_threads(1)


def bumps(n):
    at = torch.rand(n, 1)
    return torch.exp(-(((torch.linspace(0, 1, 16) - at) / 0.15) ** 2))


draw = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 16), nn.Sigmoid())
judge = nn.Sequential(nn.Linear(16, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
rates = {"lr": 5e-4, "betas": (0.5, 0.9)}
steps = [torch.optim.Adam(net.parameters(), **rates) for net in (draw, judge)]

for step in range(50):
    drawn = draw(torch.randn(40, 4))
    own = nn.functional.softplus(-judge(bumps(40))).mean()
    own = own + nn.functional.softplus(judge(drawn.detach())).mean()
    steps[1].zero_grad()
    own.backward()
    steps[1].step()

    fooled = nn.functional.softplus(-judge(drawn)).mean()
    steps[0].zero_grad()
    fooled.backward()
    steps[0].step()
