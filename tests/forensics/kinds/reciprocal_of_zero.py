"""An inverse distance whose distance is 0."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for step in range(6):
    x = torch.randn(8, 4)
    near = x[:, 0] > 1.0
    distance = model(x).abs().sum(1) * ~near
    loss = (1 / distance).mean()  # expect: reciprocal | 1 / 0
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
