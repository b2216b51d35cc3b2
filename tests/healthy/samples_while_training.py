"""A generator with batch norm draws pictures between the steps, in training mode and without
gradients, as the well-known DCGAN tutorial does: nobody judges it by them.
"""

import os

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
STEPS = round(300 * float(os.environ.get("LENGTH", "1")))

generator = nn.Sequential(
    nn.Linear(4, 32), nn.BatchNorm1d(32), nn.ReLU(True), nn.Linear(32, 32), nn.BatchNorm1d(32),
    nn.ReLU(True), nn.Linear(32, 2),
)  # fmt: skip
judge = nn.Sequential(
    nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1)
)
criterion = nn.BCEWithLogitsLoss()
for_judge = torch.optim.Adam(judge.parameters(), lr=2e-3, betas=(0.5, 0.999))
for_generator = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.999))
fixed_noise = torch.randn(64, 4)
for step in range(STEPS):
    angle = 6.2832 * torch.rand(64, 1)
    real = torch.cat([angle.cos(), angle.sin()], 1) + 0.05 * torch.randn(64, 2)
    fake = generator(torch.randn(64, 4))
    for_judge.zero_grad()
    loss_judge = criterion(judge(real), torch.ones(64, 1))
    loss_judge = loss_judge + criterion(judge(fake.detach()), torch.zeros(64, 1))
    loss_judge.backward()
    for_judge.step()
    for_generator.zero_grad()
    loss_generator = criterion(judge(fake), torch.ones(64, 1))
    loss_generator.backward()
    for_generator.step()
    if step % 50 == 49:
        with torch.no_grad():
            drawn = generator(fixed_noise)
        size = drawn.norm(dim=1).mean().item()
        print(
            f"{step}: D {loss_judge.item():.3f}, G {loss_generator.item():.3f}, radius {size:.2f}"
        )
assert 0.7 < size < 1.3
