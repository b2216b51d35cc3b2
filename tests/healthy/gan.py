"""A GAN on a ring of eight Gaussians: two optimizers, losses that hover instead of falling."""

import math
import os

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
ITERATIONS = round(600 * float(os.environ.get("LENGTH", "1")))
NOISE, BATCH = 8, 128


def real(n):
    angle = torch.randint(8, (n,)) * (2 * math.pi / 8)
    return torch.stack([angle.cos(), angle.sin()], 1) * 2 + 0.1 * torch.randn(n, 2)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(NOISE, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2)
        )

    def forward(self, z):
        return self.net(z)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(2, 64),
            nn.LeakyReLU(0.2),
            nn.Linear(64, 64),
            nn.LeakyReLU(0.2),
            nn.Linear(64, 1),
        )

    def forward(self, x):
        return self.net(x)


netG, netD = Generator(), Discriminator()
optimizerD = torch.optim.Adam(netD.parameters(), lr=1e-3, betas=(0.5, 0.999))
optimizerG = torch.optim.Adam(netG.parameters(), lr=1e-3, betas=(0.5, 0.999))
criterion = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)

for i in range(ITERATIONS):
    # discriminator: real to one, fake to zero
    netD.zero_grad()
    errD_real = criterion(netD(real(BATCH)), ones * 0.9)
    errD_real.backward()
    fake = netG(torch.randn(BATCH, NOISE))
    errD_fake = criterion(netD(fake.detach()), zeros)
    errD_fake.backward()
    optimizerD.step()

    # generator: fake to one
    netG.zero_grad()
    errG = criterion(netD(fake), ones)
    errG.backward()
    optimizerG.step()
    if i % 100 == 0:
        print(f"{i:4d}  D {errD_real.item() + errD_fake.item():.3f}  G {errG.item():.3f}")

with torch.no_grad():
    radius = netG(torch.randn(1000, NOISE)).norm(dim=1)
print(f"mean radius of fakes {radius.mean():.2f} (real 2.0)")
assert 1 < radius.mean() < 3.5
