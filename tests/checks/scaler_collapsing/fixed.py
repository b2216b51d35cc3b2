"""Embeds points in the plane so that distances between pairs of them are kept."""

import torch
from torch import nn

torch.manual_seed(81)
torch.set_num_threads(1)

points = torch.randn(150, 20)
net = nn.Sequential(nn.Linear(20, 48), nn.Tanh(), nn.Linear(48, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
scaler = torch.amp.GradScaler("cpu")


def distance(a, b):
    return (((a - b) ** 2).sum(1) + 1e-6).sqrt()


for step in range(120):
    first, second = torch.randint(0, 150, (2, 128))
    optimizer.zero_grad()
    with torch.autocast("cpu", dtype=torch.float16):
        left, right = net(points[first]), net(points[second])
    wanted = (points[first] - points[second]).norm(dim=1) / 4
    loss = nn.functional.mse_loss(distance(left.float(), right.float()), wanted)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    if step % 40 == 39:
        print(step + 1, f"{loss.item():.3f}")
