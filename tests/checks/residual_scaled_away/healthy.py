"""Residual blocks with factors that are meant: layer scale, drop path, and a variance that is kept.

Branches are scaled by small weights and dropped by sample; every second sum is divided by the root
of two, as in nets for audio and for diffusion; the answer is scaled at the end.
"""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
torch.set_num_threads(1)


def drop_path(x, p, training):
    if not training or p == 0:
        return x
    mask = x.new_empty(x.shape[0], 1).bernoulli_(1 - p)
    return x * mask / (1 - p)


class Block(nn.Module):
    def __init__(self, width, p, gamma=1e-2):
        super().__init__()
        self.p = p
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.gamma = nn.Parameter(gamma * torch.ones(width))
        self.mix = nn.Linear(width, width)

    def forward(self, x):
        branch = self.gamma * self.down(F.silu(self.up(self.norm(x))))
        x = x + drop_path(branch, self.p, self.training)
        return (x + torch.tanh(self.mix(x))) * 0.5**0.5


class Waves(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.stem = nn.Linear(16, width)
        self.blocks = nn.ModuleList([Block(width, p) for p in (0.0, 0.1, 0.2)])
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return 0.1 * self.head(x).squeeze(1)


net = Waves()
optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
for step in range(150):
    pitch = 0.2 + torch.rand(64)
    sound = torch.sin(pitch[:, None] * torch.arange(16.0)) + 0.1 * torch.randn(64, 16)
    loss = F.mse_loss(net(sound), pitch)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"{loss.item():.4f}")
