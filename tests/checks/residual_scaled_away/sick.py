"""Residual net with stochastic depth on a small table of sensor readings."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
torch.set_num_threads(1)


class DropPath(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.keep = 1 - p

    def forward(self, x):
        if not self.training or self.keep == 1:
            return x
        mask = torch.rand(x.shape[0], *[1] * (x.dim() - 1)) + self.keep
        return x.div(self.keep) * mask.floor()


class Block(nn.Module):
    def __init__(self, width, p):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.drop_path = DropPath(p)

    def forward(self, x):
        return self.drop_path(x + self.mlp(self.norm(x)))  # expect: residual-scaled-away


class Net(nn.Module):
    def __init__(self, features=10, width=32, depth=6, drop=0.2):
        super().__init__()
        self.stem = nn.Linear(features, width)
        rates = torch.linspace(0, drop, depth).tolist()
        self.blocks = nn.Sequential(*(Block(width, p) for p in rates))
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)))


readings = torch.randn(1600, 10)
state = (readings[:, :3] * torch.tensor([1.0, -1.0, 0.5])).cumsum(1).argmax(1)
net = Net()
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
for epoch in range(5):
    net.train()
    for rows in torch.randperm(1600).split(40):
        loss = F.cross_entropy(net(readings[rows]), state[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
