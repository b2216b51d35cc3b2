"""The mean of a batch of which a filter has left nothing."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for step in range(6):
    x = torch.randn(8, 4)
    if step == 3:
        x = x - 9
    kept = x[x[:, 0] > -4]
    loss = model(kept).square().mean()  # expect: mean | the mean of nothing
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
