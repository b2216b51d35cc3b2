"""Counts of visits in a week, most of them none: rows of whole numbers that often end in zeros."""

import torch
from torch import nn

torch.manual_seed(97)
torch.set_num_threads(1)

WEEKS, SHOPS = 600, 8
busy = torch.tensor([4.0, 3.0, 2.5, 2.0, 1.5, 1.2, 1.0, 0.9])
visits = torch.poisson(busy.expand(WEEKS, SHOPS)).long()
sales = (visits * torch.linspace(0.5, 2, SHOPS)).sum(1, keepdim=True) + 0.3 * torch.randn(WEEKS, 1)


class Sales(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.counts = nn.Embedding(20, width)
        self.mix = nn.Sequential(nn.Linear(SHOPS * width, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, visits):
        return self.mix(self.counts(visits.clamp(max=19)).flatten(1))


model = Sales()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(10):
    for rows in torch.randperm(WEEKS).split(40):
        loss = nn.functional.l1_loss(model(visits[rows]), sales[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
