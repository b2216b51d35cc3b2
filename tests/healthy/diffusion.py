"""A diffusion model on two moons: predicts the noise, so its loss can never go far below what is
unknowable.
"""

import math
import os

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
STEPS = round(800 * float(os.environ.get("LENGTH", "1")))
T = 50

betas = torch.linspace(1e-3, 0.2, T)
alphas_bar = torch.cumprod(1 - betas, 0)


def moons(n):
    angle = torch.rand(n) * math.pi
    upper = torch.rand(n) < 0.5
    x = torch.where(upper, angle.cos(), 1 - angle.cos())
    y = torch.where(upper, angle.sin(), 0.5 - angle.sin())
    return torch.stack([x - 0.5, y - 0.25], 1) + 0.05 * torch.randn(n, 2)


class Denoiser(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.time = nn.Embedding(T, width)
        self.inp = nn.Linear(2, width)
        self.mid = nn.ModuleList(nn.Linear(width, width) for _ in range(2))
        self.out = nn.Linear(width, 2)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x, t):
        h = self.inp(x) + self.time(t)
        for layer in self.mid:
            h = h + layer(F.silu(h))
        return self.out(F.silu(h))


model = Denoiser()
ema = {k: v.clone() for k, v in model.state_dict().items()}
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
losses = []
for step in range(STEPS):
    x0, t, noise = moons(128), torch.randint(T, (128,)), torch.randn(128, 2)
    a = alphas_bar[t][:, None]
    loss = F.mse_loss(model(a.sqrt() * x0 + (1 - a).sqrt() * noise, t), noise)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    for k, v in model.state_dict().items():
        ema[k].lerp_(v, 0.02)

model.load_state_dict(ema)
with torch.no_grad():
    x = torch.randn(500, 2)
    for i in reversed(range(T)):
        eps = model(x, torch.full((500,), i))
        x = (x - betas[i] / (1 - alphas_bar[i]).sqrt() * eps) / (1 - betas[i]).sqrt()
        if i:
            x = x + betas[i].sqrt() * torch.randn_like(x)
nearest = torch.cdist(x, moons(1000)).min(1).values.mean().item()
print(f"loss {losses[0]:.2f} -> {sum(losses[-50:]) / 50:.2f}; samples {nearest:.3f} off")
assert nearest < 0.2
