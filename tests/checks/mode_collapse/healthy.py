"""A GAN of a narrow band: what it makes differs little in one direction, as the data do."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)
torch.set_num_threads(1)


def band(n):
    return torch.cat([torch.randn(n, 1), 0.02 * torch.randn(n, 1)], 1)


make = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
judge = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
rates = {"lr": 1e-3, "betas": (0.5, 0.9)}
optimizers = [torch.optim.Adam(net.parameters(), **rates) for net in (make, judge)]

for step in range(220):
    made = make(torch.randn(64, 4))
    for loss, optimizer in (
        (lambda: F.relu(1 - judge(band(64))).mean() + F.relu(1 + judge(made.detach())).mean(), 1),
        (lambda: -judge(made).mean(), 0),
    ):
        optimizers[optimizer].zero_grad()
        loss().backward()
        optimizers[optimizer].step()
