"""Adam with eps 0 and a weight that gets no gradient."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=0.1, eps=0)

for step in range(6):
    x = torch.randn(8, 4)
    x[:, 2] = 0
    loss = model(x).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()  # expect: addcdiv | 0 / 0
