"""A ratio in float16 whose divisor is small: the square of it is too small."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for step in range(6):
    x = torch.randn(8, 4)
    out = model(x).half()
    scale = out.square().sum(1) * (1.0 if step != 3 else 1e-3)
    loss = (0.5 / scale).clamp(max=60000).float().log().mean()  # expect: reciprocal | square of y
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
