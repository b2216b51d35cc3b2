"""Digits of a kind: a classifier that is smooth (a penalty on its slope) and withstands attacks."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(5)
torch.set_num_threads(1)


class Robust:
    def __init__(self, features, classes, reach=0.1):
        self.net = nn.Sequential(nn.Linear(features, 32), nn.SiLU(), nn.Linear(32, classes))
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=3e-3)
        self.reach = reach

    def attacked(self, x, y):
        x = x.clone().requires_grad_(True)
        (g,) = torch.autograd.grad(F.cross_entropy(self.net(x), y), x)
        return (x + self.reach * g.sign()).detach()

    def weight(self, x, y):
        x = x.clone().requires_grad_(True)
        (g,) = torch.autograd.grad(F.cross_entropy(self.net(x), y, reduction="sum"), x)
        return 1 / (1 + g.norm(dim=1))

    def slope(self, x):
        x = x.clone().requires_grad_(True)
        (g,) = torch.autograd.grad(self.net(x).logsumexp(1).sum(), x, create_graph=True)
        return g.square().sum(1).mean()

    def learn(self, x, y):
        each = F.cross_entropy(self.net(self.attacked(x, y)), y, reduction="none")
        loss = (self.weight(x, y) * each).mean() + 1e-3 * self.slope(x)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


centres = torch.randn(4, 16)
y = torch.arange(512) % 4
x = centres[y] + 0.4 * torch.randn(512, 16)
robust = Robust(16, 4)
for epoch in range(6):
    losses = [robust.learn(x[rows], y[rows]) for rows in torch.randperm(512).split(32)]
    print(f"epoch {epoch}: {sum(losses) / len(losses):.3f}")

assert losses[-1] < 0.6, "this script is right, and learns"
