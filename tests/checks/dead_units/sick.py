"""Regression of a noisy product; the second hidden layer starts far below zero."""

import torch
from torch import nn

torch.manual_seed(3)
torch.set_num_threads(1)

x = torch.rand(1500, 6) * 2 - 1
y = x[:, :1] * x[:, 1:2] + x[:, 2:3] + 0.05 * torch.randn(1500, 1)

model = nn.Sequential(
    nn.Linear(6, 64),
    nn.ReLU(),  # expect: dead-units
    nn.Linear(64, 64),
    nn.ReLU(),
    nn.Linear(64, 1),
)
with torch.no_grad():
    for layer in (model[0], model[2]):
        nn.init.kaiming_normal_(layer.weight)
        layer.bias.fill_(-12.0)

optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loss_fn = nn.MSELoss()
for epoch in range(8):
    order = torch.randperm(1500)
    for i in range(0, 1500, 60):
        optimizer.zero_grad()
        loss = loss_fn(model(x[order[i : i + 60]]), y[order[i : i + 60]])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
