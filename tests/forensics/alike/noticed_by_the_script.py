"""A script that ends by itself when its loss is not finite."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for step in range(6):
    x = torch.randn(8, 4)
    loss = model(x).square().mean()
    if step == 3:
        loss = loss / (x[:, 0] > 9).sum()  # expect: div | none of which is set
    optimizer.zero_grad()
    loss.backward()
    if not torch.isfinite(loss):
        raise SystemExit("the loss is not finite")
    optimizer.step()
