"""A GAN for two normal distributions."""

import torch
from torch import nn

torch.manual_seed(4)
torch.set_num_threads(1)

generator = nn.Sequential(nn.Linear(5, 24), nn.ELU(), nn.Linear(24, 1))
discriminator = nn.Sequential(nn.Linear(1, 24), nn.LeakyReLU(0.1), nn.Linear(24, 1), nn.Sigmoid())
adversarial = nn.BCELoss()
optimizer_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.999))
valid, fake = torch.full((40, 1), 0.9), torch.zeros(40, 1)

for batch in range(60):
    real = torch.randn(40, 1) * 0.2 + torch.randint(2, (40, 1)) * 2 - 1

    optimizer_g.zero_grad()
    made = generator(torch.randn(40, 5))
    g_loss = adversarial(discriminator(made), valid)
    g_loss.backward()
    optimizer_g.step()

    optimizer_d.zero_grad()
    real_loss = adversarial(discriminator(real), valid)
    fake_loss = adversarial(discriminator(made.detach()), fake)
    d_loss = (real_loss + fake_loss) / 2
    d_loss.backward()
    optimizer_d.step()
print(f"D {d_loss.item():.3f}  G {g_loss.item():.3f}")
