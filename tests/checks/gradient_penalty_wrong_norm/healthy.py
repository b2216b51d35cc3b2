"""A GAN with R1: the mean square of the slope at real pictures, at every fourth step only."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(2)
torch.set_num_threads(1)
GAMMA, EVERY = 1.0, 4


def stripes(n):
    return torch.sin(torch.arange(8.0) + 6 * torch.rand(n, 1, 1, 1)).expand(n, 1, 8, 8)


maker = nn.Sequential(
    nn.Linear(6, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.Unflatten(1, (1, 8, 8))
)
judge = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(128, 1))
maker_steps = torch.optim.Adam(maker.parameters(), lr=2e-3, betas=(0.0, 0.99))
judge_steps = torch.optim.Adam(judge.parameters(), lr=2e-3, betas=(0.0, 0.99))

for step in range(40):
    real, fake = stripes(16), maker(torch.randn(16, 6))
    loss = F.softplus(judge(fake.detach())).mean() + F.softplus(-judge(real)).mean()
    if step % EVERY == 0:
        x = real.clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(judge(x).sum(), x, create_graph=True)
        loss = loss + EVERY * GAMMA / 2 * slope.square().sum(dim=(1, 2, 3)).mean()
    judge_steps.zero_grad()
    loss.backward()
    judge_steps.step()

    fooled = F.softplus(-judge(fake)).mean()
    maker_steps.zero_grad()
    fooled.backward()
    maker_steps.step()
print(f"judge {loss.item():.3f}, maker {fooled.item():.3f}")
