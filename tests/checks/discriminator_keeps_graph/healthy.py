"""A relativistic GAN: both losses compare the judge's answers to real and to generated points."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(7)
torch.set_num_threads(1)

netG = nn.Sequential(nn.Linear(6, 32), nn.SiLU(), nn.Linear(32, 3))
netD = nn.Sequential(nn.Linear(3, 32), nn.SiLU(), nn.Linear(32, 1))
optG = torch.optim.AdamW(netG.parameters(), lr=1e-3, betas=(0.0, 0.99))
optD = torch.optim.AdamW(netD.parameters(), lr=1e-3, betas=(0.0, 0.99))


def sphere(n):
    return F.normalize(torch.randn(n, 3), dim=1)


for _ in range(60):
    x, fake = sphere(40), netG(torch.randn(40, 6))
    real_answer, fake_answer = netD(x), netD(fake.detach())
    d_loss = F.softplus(fake_answer - real_answer).mean()
    optD.zero_grad()
    d_loss.backward()
    optD.step()

    g_loss = F.softplus(netD(x).detach() - netD(fake)).mean()
    optG.zero_grad()
    g_loss.backward()
    optG.step()
print(f"D {d_loss.item():.3f}  G {g_loss.item():.3f}")
