"""A GAN whose judge is far ahead for a while, and is caught up with."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(2)
torch.set_num_threads(1)

make = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
judge = nn.Sequential(nn.Linear(1, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
make_steps = torch.optim.Adam(make.parameters(), lr=2e-2, betas=(0.5, 0.999))
judge_steps = torch.optim.Adam(judge.parameters(), lr=5e-3, betas=(0.5, 0.999))

for step in range(200):
    real, made = 5 + torch.randn(48, 1), make(torch.randn(48, 4))
    judged = F.softplus(-judge(real)).mean() + F.softplus(judge(made.detach())).mean()
    judge_steps.zero_grad()
    judged.backward()
    judge_steps.step()

    fooled = F.softplus(-judge(made)).mean()
    make_steps.zero_grad()
    fooled.backward()
    make_steps.step()
print(f"mean {made.mean().item():.2f} (real 5)")
