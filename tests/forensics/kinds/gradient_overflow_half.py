"""Gradients in float16 of a loss that is scaled far too high."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 1).half()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-9)

for step in range(6):
    x = torch.randn(8, 4).half()
    x[1] = 90.0
    out = model(x)
    wide = out.float()  # expect: cast | above 65,504
    loss = wide.square().mean() * (1.0 if step != 3 else 1e4)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
