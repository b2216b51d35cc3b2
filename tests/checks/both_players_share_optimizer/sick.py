"""A GAN for a triangle, with a rate for each network."""

import torch
from torch import nn

torch.manual_seed(8)
torch.set_num_threads(1)

generator = nn.Sequential(nn.Linear(4, 32), nn.GELU(), nn.Linear(32, 2))
discriminator = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
weights = [*generator.parameters(), *discriminator.parameters()]
optimizer = torch.optim.Adam(weights, 1e-3)  # expect: both-players-share-optimizer
bce = nn.BCEWithLogitsLoss()


def triangle(n):
    return torch.rand(n, 2).sort(dim=1).values


for step in range(60):
    fake = generator(torch.randn(48, 4))
    d_loss = bce(discriminator(triangle(48)), torch.ones(48, 1))
    d_loss = d_loss + bce(discriminator(fake.detach()), torch.zeros(48, 1))
    optimizer.zero_grad()
    d_loss.backward()
    optimizer.step()

    g_loss = bce(discriminator(fake), torch.ones(48, 1))
    optimizer.zero_grad()
    g_loss.backward()
    optimizer.step()
print(f"D {d_loss.item():.3f}  G {g_loss.item():.3f}")
