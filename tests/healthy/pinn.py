"""A physics-informed network: u'' + u = 0 with u(0) = 0 and u'(0) = 1, second derivatives inside
the loss.
"""

import os

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))


def derivative(y, x):
    return torch.autograd.grad(y, x, grad_outputs=torch.ones_like(y), create_graph=True)[0]


net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.998)
for it in range(round(800 * float(os.environ.get("LENGTH", "1")))):
    t = (torch.rand(64, 1) * 3.2).requires_grad_()
    u = net(t)
    du = derivative(u, t)
    residual = derivative(du, t) + u
    t0 = torch.zeros(1, 1, requires_grad=True)
    u0 = net(t0)
    loss = residual.pow(2).mean() + u0.pow(2).mean() + (derivative(u0, t0) - 1).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if it % 200 == 0:
        print(it, loss.item())

t = torch.linspace(0, 3.14, 50)[:, None]
error = (net(t) - t.sin()).abs().max().item()
print("largest error against sin(t):", error)
assert error < 0.1
