"""A GAN for a small cluster far from the origin."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)

G = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
D = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
opt_g = torch.optim.Adam(G.parameters(), lr=1e-4)
opt_d = torch.optim.Adam(D.parameters(), lr=5e-2)
bce = nn.BCEWithLogitsLoss()

for step in range(200):
    real = torch.tensor([4.0, -3.0]) + 0.2 * torch.randn(32, 2)
    fake = G(torch.randn(32, 4))
    answer = D(fake.detach())  # expect: discriminator-won
    d_loss = bce(D(real), torch.ones(32, 1)) + bce(answer, torch.zeros(32, 1))
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()
    g_loss = bce(D(fake), torch.ones(32, 1))
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
print(f"D {d_loss.item():.5f}  G {g_loss.item():.3f}")
