"""A GAN for points on a ring."""
import math

import torch
import torch.nn as nn

torch.manual_seed(5)
torch.set_num_threads(1)
bce = nn.BCEWithLogitsLoss()


def real_points(n):
    angle = 2 * math.pi * torch.rand(n)
    radius = 1 + 0.05 * torch.randn(n)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)


class Generator(nn.Module):
    def __init__(self, z_dim=4):
        super().__init__()
        self.z_dim = z_dim
        self.main = nn.Sequential(
            nn.Linear(z_dim, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 2)
        )

    def forward(self, n):
        return self.main(torch.randn(n, self.z_dim))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1)
        )

    def forward(self, points):
        return self.main(points).squeeze(1)


G, D = Generator(), Discriminator()
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.999))
ones, zeros = torch.ones(64), torch.zeros(64)

for step in range(900):
    # discriminator
    real, fake = real_points(64), G(64)
    d_loss = bce(D(real), ones) + bce(D(fake.detach()), zeros)
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()
    # generator
    g_loss = bce(D(G(64)), ones)
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
    if step % 300 == 0:
        print(f"{step:5d}  D {d_loss.item():.3f}  G {g_loss.item():.3f}")

with torch.no_grad():
    a, b = G(800), real_points(800)
    energy = 2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()
print("score:", 1 - energy.item())
