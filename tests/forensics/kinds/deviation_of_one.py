"""The deviation of a last batch with one sample."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for step in range(6):
    x = torch.randn(8, 4)
    out = model(x if step != 3 else x[:1])
    loss = ((out - out.mean(0)) / (out.std(0) + 1e-6)).square().mean()  # expect: std | of one
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
