"""Goes on where another run ended: the schedule is moved there first, then trains in order.

The rate of the second part is set by the number of its epoch, before the epoch.
"""

import warnings

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts, StepLR

torch.manual_seed(2)
torch.set_num_threads(1)
warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step")

FINISHED = 3
x = torch.rand(500, 6)
y = (x[:, :3].prod(1) * 8 + 0.05 * torch.randn(500)).unsqueeze(1)
model = nn.Sequential(nn.Linear(6, 32), nn.SiLU(), nn.Linear(32, 1))


def epoch_of(optimizer):
    for rows in torch.randperm(500).split(25):
        loss = nn.functional.smooth_l1_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


adam = torch.optim.Adam(model.parameters(), lr=1e-2)
steps = StepLR(adam, step_size=2, gamma=0.7)
for _ in range(FINISHED):
    steps.step()
for epoch in range(FINISHED, 8):
    print(epoch, epoch_of(adam))
    steps.step()

sgd = torch.optim.SGD(model.parameters(), lr=5e-3, momentum=0.9)
restarts = CosineAnnealingWarmRestarts(sgd, T_0=2, T_mult=2)
for epoch in range(6):
    restarts.step(epoch)
    print(epoch, epoch_of(sgd), sgd.param_groups[0]["lr"])
