"""A GAN for points on a line, two losses and one place where gradients are cleared."""

import torch
from torch import nn

torch.manual_seed(6)
torch.set_num_threads(1)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, z):
        return self.layers(z)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))

    def forward(self, x):
        return self.layers(x)


g, d = Generator(), Discriminator()
g_optimizer = torch.optim.RMSprop(g.parameters(), lr=5e-4)
d_optimizer = torch.optim.RMSprop(d.parameters(), lr=5e-4)
loss_fn = nn.BCEWithLogitsLoss()

for step in range(60):
    x = torch.rand(32, 1)
    x = torch.cat([x, 1 - x], 1)
    g_optimizer.zero_grad()
    d_optimizer.zero_grad()

    noise = torch.randn(32, 4)
    real = loss_fn(d(x), torch.ones(32, 1))
    fake = loss_fn(d(g(noise).detach()), torch.zeros(32, 1))
    (real + fake).backward()
    d_optimizer.step()

    fooled = loss_fn(d(g(torch.randn(32, 4))), torch.ones(32, 1))
    fooled.backward()
    g_optimizer.step()
print(f"D {real.item() + fake.item():.3f}  G {fooled.item():.3f}")
