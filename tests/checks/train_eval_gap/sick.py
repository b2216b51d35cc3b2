"""Dropout written by hand: parts are taken away while training, and what is left is not scaled."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(21)
torch.set_num_threads(1)


class MyDropout(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if self.training:
            keep = torch.rand_like(x) > self.p
            x = x * keep  # expect: train-eval-gap
        return x


class Regressor(nn.Module):
    def __init__(self, features, width=64, p=0.3):
        super().__init__()
        self.fc1 = nn.Linear(features, width)
        self.fc2 = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)
        self.drop = MyDropout(p)

    def forward(self, x):
        x = self.drop(F.relu(self.fc1(x)))
        x = self.drop(F.relu(self.fc2(x)))
        return self.out(x).squeeze(-1)


def make(n):
    x = torch.randn(n, 8)
    price = 5 + 2 * x[:, 0] + x[:, 1] * (x[:, 2] > 0) + 0.2 * torch.randn(n)
    return TensorDataset(x, price)


train_dl, val_dl = DataLoader(make(2000), 64, shuffle=True), DataLoader(make(500), 100)
model = Regressor(8)
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    model.train()
    for xb, yb in train_dl:
        loss = F.mse_loss(model(xb), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        val = sum(F.mse_loss(model(xb), yb).item() for xb, yb in val_dl) / len(val_dl)
    print(f"epoch {epoch}: train {loss.item():.3f}, val {val:.3f}")
