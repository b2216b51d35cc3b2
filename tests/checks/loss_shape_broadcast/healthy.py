"""Quantile regression: every quantile against every target sample, pair by pair on purpose.

One more loss compares a whole map with one number for all of it, which broadcasts as it should.
"""

import warnings

import torch
import torch.nn.functional as F
from torch import nn

warnings.filterwarnings("ignore", message="Using a target size")
torch.manual_seed(11)
torch.set_num_threads(1)

QUANTILES = torch.linspace(0.1, 0.9, 9)


class QuantileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(4, 32), nn.SiLU())
        self.quantiles = nn.Linear(32, len(QUANTILES))
        self.level = nn.Linear(32, 8)

    def forward(self, x):
        h = self.trunk(x)
        return self.quantiles(h), self.level(h)


net = QuantileNet()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)

for step in range(200):
    x = torch.randn(64, 4)
    mean = x[:, :1] - 0.5 * x[:, 1:2]
    samples = mean + torch.randn(64, 5)  # five draws of the target for each input
    predicted, level = net(x)
    # [64, 9, 1] against [64, 1, 5]
    huber = F.smooth_l1_loss(predicted.unsqueeze(2), samples.unsqueeze(1), reduction="none")
    above = (samples.unsqueeze(1) < predicted.unsqueeze(2)).float()
    pinball = ((QUANTILES.view(1, -1, 1) - above).abs() * huber).mean()
    # one target for the whole row of eight, [64, 8] against [64, 1], and a scalar one
    row = F.mse_loss(level, mean)
    centre = F.mse_loss(level.mean(), torch.tensor(0.0))
    loss = pinball + row + 0.01 * centre
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

print("done", round(loss.item(), 4))
