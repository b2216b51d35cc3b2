"""Visitors an hour from the weather: counts are never negative, so a softplus before them is right.

A second head gives the share of visitors with a ticket, by a sigmoid, and a third one a logit.
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(29)
torch.set_num_threads(1)

weather = torch.randn(1000, 6)
rate = F.softplus(weather @ torch.tensor([1.0, -0.5, 0.3, 0.0, 0.8, 0.2]) + 1)
visitors = torch.poisson(rate).unsqueeze(1)
share = torch.sigmoid(weather[:, 1:2] + 0.1 * torch.randn(1000, 1))
rain = (weather[:, 0:1] > 0).float()


class Museum(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 32), nn.ReLU())
        self.count = nn.Sequential(nn.Linear(32, 1), nn.Softplus())
        self.share = nn.Linear(32, 1)
        self.rain = nn.Linear(32, 1)

    def forward(self, x):
        h = self.body(x)
        return self.count(h), self.share(h).sigmoid(), self.rain(h)


model = Museum()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(6):
    for rows in torch.randperm(1000).split(25):
        count, part, logit = model(weather[rows])
        loss = F.mse_loss(count, visitors[rows]) + F.l1_loss(part, share[rows])
        loss = loss + F.binary_cross_entropy_with_logits(logit, rain[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    count, part, logit = model(weather)
    error, constant = F.mse_loss(count, visitors).item(), visitors.var().item()
print(f"count {error:.2f} of {constant:.2f}, loss {loss.item():.3f}")
assert error < 0.8 * constant, "this script is right, and learns"
