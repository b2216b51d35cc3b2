"""Forecasting with the data in their natural order: a sequential loader, since the past must come
first.
"""

import math
import os

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))


class Windows(Dataset):
    def __init__(self, series, width=24):
        self.series, self.width = series, width

    def __len__(self):
        return len(self.series) - self.width

    def __getitem__(self, i):
        return self.series[i : i + self.width], self.series[i + self.width]


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 24, batch_first=True)
        self.out = nn.Linear(24, 1)

    def forward(self, x):
        h, _ = self.gru(x.unsqueeze(-1))
        return self.out(h[:, -1]).squeeze(-1)


t = torch.arange(1600).float()
series = (
    torch.sin(2 * math.pi * t / 24)
    + 0.5 * torch.sin(2 * math.pi * t / 168)
    + 0.1 * torch.randn(1600)
)
series = (series - series[:1200].mean()) / series[:1200].std()
train = DataLoader(Windows(series[:1200]), batch_size=32, shuffle=False)
valid = DataLoader(Windows(series[1200:]), batch_size=128, shuffle=False)

model = Forecaster()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(round(6 * float(os.environ.get("LENGTH", "1")))):
    model.train()
    for past, following in train:
        optimizer.zero_grad()
        loss = criterion(model(past), following)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        errors = [criterion(model(past), following).item() for past, following in valid]
    print(f"epoch {epoch}: validation MSE {sum(errors) / len(errors):.4f}")
assert sum(errors) / len(errors) < 0.15
