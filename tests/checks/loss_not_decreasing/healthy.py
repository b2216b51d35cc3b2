"""A hard, noisy regression in one pass over the data: the loss falls little and jumps a lot.

Three quarters of the target's variance can't be explained by anything. The loss is above where it
began at many steps, and yet the model learns.
"""

import torch
from torch import nn

torch.manual_seed(22)
torch.set_num_threads(1)


def stream(steps, size):
    weights = torch.randn(12, 1) / 12**0.5
    for _ in range(steps):
        x = torch.randn(size, 12)
        yield x, x @ weights + 1.7 * torch.randn(size, 1)


model = nn.Sequential(nn.Linear(12, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9)
loss_fn = nn.MSELoss()
smooth = None

for step, (x, y) in enumerate(stream(400, 32)):
    loss = loss_fn(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    smooth = loss.item() if smooth is None else 0.98 * smooth + 0.02 * loss.item()
    if step % 100 == 99:
        print(step + 1, round(smooth, 3))
