"""A least-squares GAN whose judge is quick: it is stepped at every third batch only."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(1)
torch.set_num_threads(1)

G = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2))
D = nn.Sequential(nn.Linear(2, 48), nn.LeakyReLU(0.2), nn.Linear(48, 1))
judge_steps = torch.optim.RMSprop(D.parameters(), lr=1e-3)
maker_steps = torch.optim.RMSprop(G.parameters(), lr=5e-4)


def moons(n):
    angle, side = torch.rand(n) * torch.pi, torch.randint(2, (n,)) * 2.0 - 1
    x = torch.stack([side * angle.cos() + 0.5 * side, side * angle.sin()], 1)
    return x + 0.05 * torch.randn(n, 2)


for i in range(90):
    if i % 3 == 0:
        D.requires_grad_(True)
        with torch.no_grad():
            made = G(torch.randn(48, 8))
        both = F.mse_loss(D(moons(48)), torch.ones(48, 1)) + D(made).square().mean()
        judge_steps.zero_grad(set_to_none=True)
        both.backward()
        judge_steps.step()
        D.requires_grad_(False)
    pleased = F.mse_loss(D(G(torch.randn(48, 8))), torch.ones(48, 1))
    maker_steps.zero_grad(set_to_none=True)
    pleased.backward()
    maker_steps.step()
print(f"judge {both.item():.3f}, generator {pleased.item():.3f}")
