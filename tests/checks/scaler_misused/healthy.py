"""Two losses that go backward one by one, both scaled; and players that take turns, each updated.

A generator and a critic: the scaler is updated after each of them, and each has a loss of its own
in between.
"""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import mse_loss

torch.manual_seed(72)
torch.set_num_threads(1)

maker = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
critic = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
opt_maker = torch.optim.Adam(maker.parameters(), lr=1e-3, betas=(0.5, 0.9))
opt_critic = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12, growth_interval=50)
ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
for step in range(150):
    real = torch.randn(64, 2) * torch.tensor([1.0, 0.3]) + 2
    fake = maker(torch.randn(64, 4))
    opt_critic.zero_grad()
    scaler.scale(bce(critic(real), ones)).backward()
    scaler.scale(bce(critic(fake.detach()), zeros)).backward()
    scaler.step(opt_critic)
    scaler.update()
    opt_maker.zero_grad()
    scaler.scale(bce(critic(fake), ones)).backward(retain_graph=True)
    scaler.scale(0.1 * mse_loss(fake.mean(0), real.mean(0))).backward()
    scaler.step(opt_maker)
    scaler.update()
print("centre of what is made", [round(x, 2) for x in fake.mean(0).tolist()])
