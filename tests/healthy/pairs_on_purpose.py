"""Every pair on purpose: ranks, a kernel between two samples, and waves of several frequencies.

Tables of N x N numbers that are averaged as a whole are what these losses are made of.
"""

import os

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))

taste = torch.randn(5)


class Scorer(nn.Module):
    def __init__(self, waves=16):
        super().__init__()
        self.frequencies = nn.Parameter(torch.randn(waves))
        self.out = nn.Linear(waves, 1)
        self.project = nn.Linear(5, 1)

    def forward(self, x):
        phase = self.project(x)  # [N, 1] times [waves]
        return phase + 0.1 * self.out(torch.sin(phase * self.frequencies))


scorer = Scorer()
generator = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam([*scorer.parameters(), *generator.parameters()], lr=1e-2)


def kernel(a, b):
    return torch.exp(-((a[:, None] - b) ** 2)).mean()


for _ in range(int(200 * LENGTH)):
    x = torch.randn(32, 5)
    wanted = x @ taste
    score = scorer(x)
    gaps = score - score.squeeze(1)  # all pairs of one batch
    above = (wanted[:, None] > wanted).float()
    rank = (F.softplus(-gaps) * above).sum() / above.sum()
    fake, real = generator(torch.randn(32, 4)).squeeze(1), 2 + 0.5 * torch.randn(32)
    discrepancy = kernel(fake, fake) + kernel(real, real) - 2 * kernel(fake, real)
    spread = (fake.unsqueeze(1) - fake.detach()).abs().mean()
    loss = rank + discrepancy - 0.01 * spread
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

x = torch.randn(500, 5)
found = torch.corrcoef(torch.stack([scorer(x).squeeze(1), x @ taste]))[0, 1].item()
print(f"correlation {found:.3f}, mean {fake.mean().item():.2f}")
assert found > 0.8
