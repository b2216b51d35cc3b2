"""A rate given by exp, in float32."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for step in range(6):
    x = torch.randn(8, 4)
    if step == 3:
        x[1] *= 1000
    rate = torch.exp(model(x))  # expect: exp | float32 above 88.72
    loss = (rate - model(x)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
