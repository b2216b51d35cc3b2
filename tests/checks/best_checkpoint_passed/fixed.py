"""Cosine cycles with warm restarts, stopped in the middle of one; the best weights are saved."""

import io

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(17)
torch.set_num_threads(1)


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(10, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1)
        )

    def forward(self, x):
        return self.layers(x)


x = torch.randn(2400, 10)
y = torch.sin(2 * x[:, :1]) + x[:, 1:2] * x[:, 2:3]
train, held = (x[:2000], y[:2000]), (x[2000:], y[2000:])
model = Tiny()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=8, eta_min=1e-3)
best, saved = float("inf"), io.BytesIO()
for epoch in range(11):
    model.train()
    for idx in torch.randperm(2000).split(40):
        loss = F.mse_loss(model(train[0][idx]), train[1][idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    schedule.step()
    model.eval()
    with torch.no_grad():
        val = F.mse_loss(model(held[0]), held[1]).item()
    print(f"epoch {epoch}: train {loss.item():.4f}, held out {val:.4f}")
    if val < best:
        best, saved = val, io.BytesIO()
        torch.save(model.state_dict(), saved)
