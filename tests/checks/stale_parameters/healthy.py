"""Growing a network: a wider one takes over twice, each time with an optimizer of its own.

The first optimizers stay in a list for the log, and step no more. A plain copy of the weights is
evaluated beside the model.
"""

import copy

import torch
from torch import nn

torch.manual_seed(14)
torch.set_num_threads(1)

x = torch.rand(600, 2) * 4 - 2
y = torch.sin(2 * x[:, :1]) * x[:, 1:]
best, log = None, []


def widened(old, width):
    new = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, 1))
    if old is not None:
        kept = old[0].out_features
        with torch.no_grad():
            new[0].weight[:kept], new[0].bias[:kept] = old[0].weight, old[0].bias
            new[2].weight[:, :kept] = old[2].weight
            new[2].weight[:, kept:] = 0
    return new


net = None
for width in (8, 16, 32):
    net = widened(net, width)
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    log.append(opt)
    for step in range(80):
        rows = torch.randint(0, 600, (60,))
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(x[rows]), y[rows])
        loss.backward()
        opt.step()
    best = copy.deepcopy(net)
    with torch.no_grad():
        print(f"{width}: {nn.functional.mse_loss(best(x), y):.4f}, {len(log)} optimizers so far")
