"""Activation maximisation: the network is trained and done, now the picture is what the optimizer
moves.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))

images, labels = load()
images = images / 16
net = nn.Sequential(nn.Linear(64, 100), nn.Softplus(), nn.Linear(100, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for _ in range(250):
    pick = torch.randint(len(images), (64,))
    optimizer.zero_grad()
    F.cross_entropy(net(images[pick]), labels[pick]).backward()
    optimizer.step()

net.eval()
for p in net.parameters():
    p.requires_grad_(False)
picture = torch.full((1, 64), 0.3) + 0.05 * torch.randn(1, 64)
picture.requires_grad_(True)
optimizer = torch.optim.Adam([picture], lr=0.02)
for step in range(round(150 * LENGTH)):
    optimizer.zero_grad()
    square = picture.view(8, 8)
    roughness = square.diff(dim=0).pow(2).mean() + square.diff(dim=1).pow(2).mean()
    loss = F.cross_entropy(net(picture), torch.tensor([3])) + 2.0 * roughness
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        picture.clamp_(0, 1)
chance = net(picture).softmax(1)[0, 3].item()
for row in picture.detach().view(8, 8):
    print("".join(" .:+#"[min(4, int(v * 5))] for v in row))
print(f"the network says three with probability {chance:.3f}")
assert chance > 0.8
