"""A residual network with layer norms learns where three numbers lie on a ring."""

import torch
from torch import nn

torch.manual_seed(51)
torch.set_num_threads(1)


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x):
        return x + self.down(torch.relu(self.up(self.norm(x))))


net = nn.Sequential(nn.Linear(6, 32), Block(32), Block(32), nn.LayerNorm(32), nn.Linear(32, 4))
optimizer = torch.optim.AdamW(  # expect: weight-decay-on-norms
    net.parameters(), 4e-3, weight_decay=1
)
for step in range(400):
    angle = 6.283 * torch.rand(64, 3)
    sector = (angle.sum(1) % 6.283 / 6.283 * 4).long().clamp(max=3)
    loss = nn.functional.cross_entropy(net(torch.cat([angle.sin(), angle.cos()], 1)), sector)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 99:
        print(step + 1, round(loss.item(), 3))
