"""Visits of a shop: two numbers, and a country of forty, most of which hardly ever come."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(8)
torch.set_num_threads(1)

COUNTRIES, VISITS = 20, 900
often = 1 / torch.arange(1, COUNTRIES + 1) ** 3
country = torch.multinomial(often, VISITS, replacement=True)
numbers = torch.randn(VISITS, 2)
value = torch.rand(COUNTRIES)
bought = (numbers[:, 0] + 2 * value[country] - 1 + 0.3 * torch.randn(VISITS) > 0).float()
x = torch.cat([numbers, F.one_hot(country, COUNTRIES).float()], 1)
assert (x.std(0) == 0).any(), "some of the countries never come"

model = nn.Sequential(nn.Linear(x.shape[1], 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for epoch in range(15):
    order = torch.randperm(VISITS)
    for start in range(0, VISITS, 60):
        rows = order[start : start + 60]
        loss = F.binary_cross_entropy_with_logits(model(x[rows])[:, 0], bought[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print(f"loss {loss.item():.3f}")
