"""A GAN for a wave in eight numbers: the judge is given all rows at once, with their labels."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
BATCH = 32


def waves(n):
    return torch.sin(torch.arange(8.0) + 6 * torch.rand(n, 1))


generator = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 8))
judge = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
opt_j = torch.optim.Adam(judge.parameters(), lr=1e-3, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)

for step in range(60):
    real, fake = waves(BATCH), generator(torch.randn(BATCH, 4))
    answers = torch.cat([judge(real), judge(fake.detach())])
    loss = bce(answers, torch.cat([ones, zeros]))
    opt_j.zero_grad()
    loss.backward()
    opt_j.step()
    fooled = bce(judge(fake), ones)
    opt_g.zero_grad()
    fooled.backward()
    opt_g.step()
print(f"judge {loss.item():.3f}  generator {fooled.item():.3f}")
