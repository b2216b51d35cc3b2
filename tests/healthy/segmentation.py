"""Foreground and background, one picture to a step, pixels flattened before the loss."""

import os

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
STEPS = round(200 * float(os.environ.get("LENGTH", "1")))


def picture():
    """A bright disc on a noisy ground; it may fill the picture, or not be there."""
    yy, xx = torch.meshgrid(torch.arange(24.0), torch.arange(24.0), indexing="ij")
    cx, cy = torch.rand(2) * 24
    radius = torch.rand(()) * 30 - 5
    mask = ((xx - cx) ** 2 + (yy - cy) ** 2 < radius.clamp(min=0) ** 2).long()
    return (mask + 0.4 * torch.randn(24, 24))[None, None] - 0.5, mask[None]


net = nn.Sequential(
    nn.Conv2d(1, 12, 3, padding=1),
    nn.GroupNorm(3, 12),
    nn.ReLU(),
    nn.Conv2d(12, 12, 3, padding=2, dilation=2),
    nn.GroupNorm(3, 12),
    nn.ReLU(),
    nn.Conv2d(12, 2, 1),
)
opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
for step in range(STEPS):
    x, y = picture()
    logits = net(x).permute(0, 2, 3, 1).reshape(-1, 2)
    loss = F.cross_entropy(logits, y.reshape(-1))
    opt.zero_grad()
    loss.backward()
    opt.step()

net.eval()
hits = 0.0
with torch.no_grad():
    for _ in range(50):
        x, y = picture()
        hits += (net(x).argmax(1) == y).float().mean().item() / 50
print("pixels right", hits)
assert hits > 0.9
