"""Pairs of views in float16, with an island of float32 for distances and their logarithms.

Most of the hidden units are off, and pairs that are far enough apart give no gradient at all.
"""

import os

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(int(os.environ.get("SEED", "0")) + 5)
torch.set_num_threads(1)
STEPS = max(int(150 * float(os.environ.get("LENGTH", "1"))), 60)

mixing = torch.randn(6, 30)


def views(n):
    kind = torch.randint(0, 6, (n,))
    base = mixing[kind]
    return base + torch.randn(n, 30), base + torch.randn(n, 30), kind


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(30, 96), nn.ReLU(), nn.Linear(96, 8))
        nn.init.constant_(self.net[0].bias, -1.0)
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, a, b):
        a, b = self.net(a), self.net(b)
        with torch.autocast("cpu", enabled=False):  # squares and their roots
            a, b = a.float(), b.float()
            apart = (a[:, None] - b[None]).square().sum(-1).add(1e-6).sqrt()
            return self.scale.exp() * apart


model = Encoder()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scaler = torch.amp.GradScaler("cpu")
curve = []
for step in range(STEPS):
    a, b, kind = views(32)
    with torch.autocast("cpu", dtype=torch.float16):
        distance = model(a, b)
    same = torch.where(kind[:, None] == kind, 1.0, -1.0)
    loss = F.hinge_embedding_loss(distance, same, margin=4.0, reduction="none")
    loss = loss[same > 0].mean() + loss[same < 0].mean()
    curve.append(loss.item())
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
print(f"loss {curve[0]:.3f} to {curve[-1]:.3f}")
assert curve[-1] < 0.6 * curve[0]
