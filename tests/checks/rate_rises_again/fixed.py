"""Separates three spirals. Trained for longer than at first, since the loss still fell."""

import torch
from torch import nn, optim

torch.manual_seed(1)
torch.set_num_threads(1)

n = 240
r = torch.linspace(0.1, 1, n)
points, arm = [], []
for k in range(3):
    a = 4 * r + 2.094 * k + 0.1 * torch.randn(n)
    points.append(torch.stack([r * a.cos(), r * a.sin()], dim=1))
    arm.append(torch.full((n,), k))
points, arm = torch.cat(points), torch.cat(arm)

net = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))
opt = optim.AdamW(net.parameters(), lr=3e-3)
cosine = optim.lr_scheduler.CosineAnnealingLR(opt, 34)
ce = nn.CrossEntropyLoss()

for epoch in range(34):
    for i in torch.randperm(3 * n).split(60):
        opt.zero_grad()
        ce(net(points[i]), arm[i]).backward()
        opt.step()
    cosine.step()
    if epoch % 4 == 1:
        with torch.no_grad():
            print(epoch, ce(net(points), arm).item(), cosine.get_last_lr()[0])
