"""Heteroscedastic regression by gaussian_nll_loss: the loss is signed, and the best model still
has noise.
"""

import os

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

x = torch.rand(2000, 1) * 4 - 2
sigma = 0.05 + 0.2 * x.abs()
y = torch.sin(2 * x) + sigma * torch.randn_like(x)


class MeanVariance(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(1, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU())
        self.mean = nn.Linear(48, 1)
        self.var = nn.Linear(48, 1)

    def forward(self, x):
        h = self.hidden(x)
        return self.mean(h), nn.functional.softplus(self.var(h)) + 1e-4


model = MeanVariance()
criterion = nn.GaussianNLLLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=12, gamma=0.3)
for epoch in range(round(25 * float(os.environ.get("LENGTH", "1")))):
    total = 0.0
    for idx in torch.randperm(2000).split(80):
        mean, var = model(x[idx])
        loss = criterion(mean, y[idx], var)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    scheduler.step()
    if epoch % 5 == 0:
        print(f"epoch {epoch} nll {total / 25:+.3f}")
with torch.no_grad():
    mean, var = model(x)
error = (var.sqrt() - sigma).abs().mean().item()
print(f"standard deviation off by {error:.3f} on average")
assert error < 0.1
