"""A GAN for a spiral in the plane."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
bce = nn.BCEWithLogitsLoss()


def spiral(n):
    t = 6 * torch.rand(n)
    return torch.stack([t * t.cos(), t * t.sin()], 1) / 4 + 0.02 * torch.randn(n, 2)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 32), nn.LeakyReLU(0.2), nn.Linear(32, 2))

    def forward(self, z):
        return self.net(z)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))

    def forward(self, x):
        return self.net(x).squeeze(1)


generator, discriminator = Generator(), Discriminator()
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.999))
ones, zeros = torch.ones(64), torch.zeros(64)

for step in range(60):
    fake = generator(torch.randn(64, 4))
    opt_d.zero_grad()
    d_loss = bce(discriminator(spiral(64)), ones) + bce(discriminator(fake.detach()), zeros)
    d_loss.backward()
    opt_d.step()

    opt_g.zero_grad()
    g_loss = bce(discriminator(fake), ones)
    g_loss.backward()
    opt_g.step()
print(f"D {d_loss.item():.3f}  G {g_loss.item():.3f}")
