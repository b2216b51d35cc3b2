"""Finds a rate by raising it step by step until the loss blows up, then trains in one cycle."""

import copy
import math

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)

x = torch.randn(800, 10)
y = (x[:, 0].sin() + x[:, 1] * x[:, 2]).unsqueeze(1)
model = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 1))


def step(net, optimizer):
    rows = torch.randint(0, 800, (32,))
    loss = nn.functional.mse_loss(net(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


trial = copy.deepcopy(model)
finder = torch.optim.SGD(trial.parameters(), lr=1e-4)
grow = torch.optim.lr_scheduler.LambdaLR(finder, lambda i: math.exp(i * math.log(5e3) / 100))
seen = []
for _ in range(100):
    seen.append((step(trial, finder), grow.get_last_lr()[0]))
    grow.step()
    if len(seen) > 40 and seen[-1][0] > 3 * min(seen)[0]:
        break
best = min(seen)[1] / 5
print(f"rate {best:.3g}")

optimizer = torch.optim.SGD(model.parameters(), lr=best, momentum=0.8)
cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, best, total_steps=240, pct_start=0.45)
for i in range(240):
    loss = step(model, optimizer)
    cycle.step()
    if i % 40 == 39:
        print(i + 1, f"{loss:.4f}")
