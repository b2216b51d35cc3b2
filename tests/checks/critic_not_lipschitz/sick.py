"""A Wasserstein GAN for a cross in the plane."""

import torch
from torch import nn

torch.manual_seed(3)
torch.set_num_threads(1)


def cross(n):
    at = torch.rand(n, 1) * 2 - 1
    x = torch.cat([at, torch.zeros(n, 1)], 1)
    return torch.where(torch.rand(n, 1) < 0.5, x, x.flip(1)) + 0.02 * torch.randn(n, 2)


generator = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
critic = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
optimizer_g = torch.optim.RMSprop(generator.parameters(), lr=5e-5)
optimizer_c = torch.optim.RMSprop(critic.parameters(), lr=5e-5)

for step in range(60):
    real, fake = cross(64), generator(torch.randn(64, 4)).detach()
    loss_c = -torch.mean(critic(real)) + torch.mean(critic(fake))  # expect: critic-not-lipschitz
    optimizer_c.zero_grad()
    loss_c.backward()
    optimizer_c.step()

    if step % 3 == 0:
        loss_g = -torch.mean(critic(generator(torch.randn(64, 4))))
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
print(f"critic {loss_c.item():.3f}  generator {loss_g.item():.3f}")
