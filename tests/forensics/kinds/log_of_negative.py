"""The logarithm of a rate that a linear layer may make negative."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 1)
nn.init.constant_(model.bias, 9.0)
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)

for step in range(6):
    x = torch.randn(8, 4)
    if step == 4:
        x[2] = -200 * model.weight.detach().sign()
    rate = model(x).squeeze(1)
    counts = torch.poisson(torch.full((8,), 3.0))
    loss = (rate - counts * rate.log()).mean()  # expect: log | log of a negative number
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
