"""Robust training on data with wild outliers: gradients burst now and then, the loss recovers."""

import torch
from torch import nn

torch.manual_seed(14)
torch.set_num_threads(1)

x = torch.randn(3000, 8)
y = x[:, :1] - 2 * x[:, 1:2] + 0.5 * x[:, 2:3] * x[:, 3:4]
wild = torch.randperm(3000)[:6]
y[wild] += 150 * torch.randn(6, 1).sign()

model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
history = []
for epoch in range(4):
    for idx in torch.randperm(3000).split(50):
        optimizer.zero_grad()
        loss = ((model(x[idx]) - y[idx]) ** 2).mean()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    recent = sorted(history[-60:])
    print(f"epoch {epoch}: median loss {recent[30]:.3f}, worst {recent[-1]:.0f}")
