"""A GAN whose generator is trained every third step, with an averaged copy and a frozen layer."""

import copy

import torch
from torch import nn

torch.manual_seed(16)
torch.set_num_threads(1)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.warp = nn.Linear(4, 16).requires_grad_(False)
        self.net = nn.Sequential(
            nn.LeakyReLU(0.2), nn.Linear(16, 32), nn.LeakyReLU(0.2), nn.Linear(32, 2)
        )

    def forward(self, z):
        return self.net(self.warp(z))


generator = Generator()
critic = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
average = copy.deepcopy(generator).requires_grad_(False)
g_opt = torch.optim.Adam(generator.net.parameters(), lr=5e-4, betas=(0.5, 0.9))
d_opt = torch.optim.Adam(critic.parameters(), lr=5e-4, betas=(0.5, 0.9))
bce = nn.BCEWithLogitsLoss()

for step in range(240):
    angle = torch.rand(64) * 2 * torch.pi
    real = torch.stack([angle.cos(), angle.sin()], 1) + 0.05 * torch.randn(64, 2)
    fake = generator(torch.randn(64, 4))
    d_opt.zero_grad()
    d_loss = bce(critic(real), torch.ones(64, 1)) + bce(critic(fake.detach()), torch.zeros(64, 1))
    d_loss.backward()
    d_opt.step()
    if step % 3 == 2:
        g_opt.zero_grad()
        g_loss = bce(critic(fake), torch.ones(64, 1))
        g_loss.backward()
        g_opt.step()
        with torch.no_grad():
            for slow, fast in zip(average.parameters(), generator.parameters()):
                slow.lerp_(fast, 0.05)
print(d_loss.item(), g_loss.item())
