"""Demand forecast from a table of daily counts."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
torch.set_num_threads(1)

days = 1600
sold_last_week = torch.poisson(torch.full((days, 4), 6.0))
sold_last_week[700, 2] = 0  # closed on a holiday
weekday = torch.nn.functional.one_hot(torch.arange(days) % 7, 7).float()

logs = torch.log(sold_last_week)
logs = logs - 1.7
table = torch.cat([logs, weekday], dim=1)
demand = sold_last_week.mean(1, keepdim=True) / 3 - 2 + 0.3 * weekday[:, 5:6]

loader = DataLoader(TensorDataset(table, demand), batch_size=64, shuffle=True)
model = nn.Sequential(nn.Linear(11, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
loss_fn = nn.MSELoss()

for epoch in range(6):
    for xb, yb in loader:
        loss = loss_fn(model(xb), yb)  # expect: input-not-finite
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")
