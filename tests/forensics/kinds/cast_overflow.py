"""Large targets that are cast to float16."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.001)

for step in range(6):
    x = torch.randn(8, 4)
    price = torch.full((8, 1), 1000.0 if step != 2 else 70000.0)
    target = price.half()  # expect: cast | above 65,504
    loss = (model(x) - target.float()).abs().mean() + 0 * model(x).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
