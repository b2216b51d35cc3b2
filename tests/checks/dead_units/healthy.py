"""Sparse by design: a wide ReLU dictionary with an L1 penalty, and a margin loss made of ReLUs."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(4)
torch.set_num_threads(1)

atoms = F.normalize(torch.randn(24, 20), dim=1)
codes = torch.rand(2048, 24) * (torch.rand(2048, 24) < 0.15)
data = codes @ atoms
group = (codes[:, :12].sum(1) > codes[:, 12:].sum(1)).long()


class SparseCoder(nn.Module):
    def __init__(self, width=256):
        super().__init__()
        self.encode = nn.Linear(20, width)
        self.decode = nn.Linear(width, 20)
        self.classify = nn.Linear(width, 1)

    def forward(self, x):
        h = F.relu(self.encode(x))
        return self.decode(h), self.classify(h).squeeze(1), h


def hinge(score, target):
    return F.relu(1 - score * (2 * target - 1)).mean()


coder = SparseCoder()
opt = torch.optim.Adam(coder.parameters(), lr=2e-3)
for step in range(250):
    pick = torch.randint(0, len(data), (128,))
    rebuilt, score, h = coder(data[pick])
    loss = F.mse_loss(rebuilt, data[pick]) + 1e-3 * h.sum(1).mean() + hinge(score, group[pick])
    opt.zero_grad(set_to_none=True)
    loss.backward()
    opt.step()
    if step % 50 == 0:
        print(step, round(loss.item(), 4), f"{(h == 0).float().mean():.0%} zeros")
