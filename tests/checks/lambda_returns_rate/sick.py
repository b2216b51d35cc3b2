"""Sine waves by a small perceptron; five warm-up epochs, then inverse square root decay."""

import torch
from torch import nn, optim

torch.manual_seed(0)
torch.set_num_threads(1)

LR = 0.02
WARMUP = 5


def schedule(epoch):
    if epoch < WARMUP:
        return LR * (epoch + 1) / WARMUP
    return LR * (WARMUP / (epoch + 1)) ** 0.5


x = torch.linspace(-3, 3, 480).unsqueeze(1)
y = torch.sin(2 * x) + 0.05 * torch.randn_like(x)
net = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 1))
sgd = optim.SGD(net.parameters(), lr=LR, momentum=0.9)
sched = optim.lr_scheduler.LambdaLR(sgd, schedule)  # expect: lambda-returns-rate

for epoch in range(25):
    order = torch.randperm(480)
    total = 0.0
    for start in range(0, 480, 24):
        rows = order[start : start + 24]
        loss = (net(x[rows]) - y[rows]).pow(2).mean()
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        total += loss.item()
    sched.step()
    if epoch % 6 == 0:
        print(f"{epoch:3d}  mse {total / 20:.4f}")
