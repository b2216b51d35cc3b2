"""Gradient accumulation over four micro-batches; gradients are dropped by hand, no zero_grad."""

import torch
from torch import nn

torch.manual_seed(10)
torch.set_num_threads(1)

ACCUMULATE = 4
model = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
x = torch.randn(1600, 10)
y = torch.sin(x[:, :1]) + 0.5 * x[:, 1:2]

for epoch in range(4):
    order = torch.randperm(len(x)).split(16)
    for number, idx in enumerate(order, 1):
        loss = nn.functional.mse_loss(model(x[idx]), y[idx]) / ACCUMULATE
        loss.backward()
        if number % ACCUMULATE == 0:
            optimizer.step()
            for p in model.parameters():
                p.grad = None
    print(epoch, loss.item() * ACCUMULATE)
