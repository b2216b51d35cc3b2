"""Heating needed by outside temperature, wind and hour: all rows at once, absolute errors."""

import torch
from torch import nn

torch.manual_seed(71)
torch.set_num_threads(1)

weather = torch.randn(500, 5)
heat = weather @ torch.tensor([-2.0, 1.0, 0.4, 0.0, 0.7]) + 0.2 * torch.randn(500) + 1
heat = heat.unsqueeze(1)
model = nn.Linear(5, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.8)  # expect: loss-oscillating
for step in range(200):
    loss = nn.functional.l1_loss(model(weather), heat)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 < 2:
        print(f"step {step}: {loss.item():.4f}")
