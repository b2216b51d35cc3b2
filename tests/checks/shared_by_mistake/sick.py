"""A residual net on a table, six blocks deep; layers are cloned from one."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
torch.set_num_threads(1)


def clones(module, n):
    """Produce n identical layers."""
    return nn.ModuleList([module for _ in range(n)])  # expect: shared-by-mistake


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x):
        return x + self.down(F.relu(self.up(self.norm(x))))


class Residual(nn.Module):
    def __init__(self, features, width=32, depth=6):
        super().__init__()
        self.embed = nn.Linear(features, width)
        self.blocks = clones(Block(width), depth)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        x = self.embed(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)).squeeze(-1)


table = torch.randn(1500, 8)
price = table[:, 0] * table[:, 1] + torch.sin(2 * table[:, 2]) + 0.1 * torch.randn(1500)
model = Residual(8)
opt = torch.optim.AdamW(model.parameters(), lr=1e-3)
for epoch in range(5):
    for rows in torch.randperm(1500).split(50):
        loss = F.mse_loss(model(table[rows]), price[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
