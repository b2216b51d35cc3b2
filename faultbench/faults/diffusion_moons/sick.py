"""Denoising diffusion on two moons, epsilon prediction."""
import math

import torch
from torch import nn


class Schedule:
    def __init__(self, steps=60):
        self.steps = steps
        self.beta = torch.linspace(1e-3, 0.15, steps)
        self.alpha = 1 - self.beta
        self.alpha_bar = self.alpha.cumprod(0)

    def add_noise(self, x, eps, t):
        ab = self.alpha[t][:, None]
        return ab.sqrt() * x + (1 - ab).sqrt() * eps


class Denoiser(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.freqs = nn.Parameter(torch.exp(torch.linspace(0, 4, 8)), requires_grad=False)
        self.net = nn.Sequential(
            nn.Linear(2 + 16, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2)
        )

    def forward(self, x, t):
        phase = t[:, None].float() / 60 * self.freqs
        return self.net(torch.cat([x, phase.sin(), phase.cos()], dim=1))


def moons(n):
    upper = torch.rand(n) < 0.5
    a = math.pi * torch.rand(n)
    x = torch.where(upper, a.cos(), 1 - a.cos()) - 0.5
    y = torch.where(upper, a.sin(), 0.5 - a.sin()) - 0.25
    return 1.4 * (torch.stack([x, y], 1) + 0.05 * torch.randn(n, 2))


@torch.no_grad()
def sample(model, s, n):
    x = torch.randn(n, 2)
    for k in reversed(range(s.steps)):
        t = torch.full((n,), k)
        eps = model(x, t)
        x = (x - s.beta[k] / (1 - s.alpha_bar[k]).sqrt() * eps) / s.alpha[k].sqrt()
        if k:
            x = x + s.beta[k].sqrt() * torch.randn(n, 2)
    return x


def energy(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


if __name__ == "__main__":
    torch.manual_seed(29)
    torch.set_num_threads(1)
    s, model = Schedule(), Denoiser()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    model.train()
    for step in range(900):
        x = moons(128)
        t = torch.randint(0, s.steps, (128,))
        eps = torch.randn_like(x)
        loss = nn.functional.mse_loss(model(s.add_noise(x, eps, t), t), eps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 300 == 0:
            print(step, loss.item())
    model.eval()
    print("score:", 1 - 10 * energy(sample(model, s, 600), moons(600)))
