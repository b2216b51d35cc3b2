"""Stochastic depth, additive noise and strong dropout: the modes differ by much, as they should."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(4)
torch.set_num_threads(1)


class Noise(nn.Module):
    def __init__(self, spread):
        super().__init__()
        self.spread = spread

    def forward(self, x):
        return x + self.spread * torch.randn_like(x) if self.training else x


class Block(nn.Module):
    def __init__(self, width, survival):
        super().__init__()
        self.norm, self.survival = nn.BatchNorm1d(width), survival
        self.branch = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, x):
        branch = self.branch(self.norm(x))
        if not self.training:
            return x + branch
        stays = torch.rand(len(x), 1) < self.survival
        return x + stays * branch / self.survival


net = nn.Sequential(
    Noise(0.5), nn.Linear(20, 48), *(Block(48, s) for s in (0.9, 0.7, 0.5)), nn.Dropout(0.5),
    nn.Linear(48, 1),
)  # fmt: skip
weight = torch.randn(20, 1)
x = torch.randn(1500, 20)
y = torch.tanh(x @ weight / 3) + 0.1 * torch.randn(1500, 1)
optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-2)
for epoch in range(10):
    net.train()
    for idx in torch.randperm(1200).split(60):
        optimizer.zero_grad(set_to_none=True)
        loss = F.smooth_l1_loss(net(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.inference_mode():
        held = F.smooth_l1_loss(net(x[1200:]), y[1200:])
    print(f"epoch {epoch}: train {loss.item():.4f}, held out {held.item():.4f}")
