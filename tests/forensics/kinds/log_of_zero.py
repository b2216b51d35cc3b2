"""The logarithm of a probability that softmax has rounded to 0."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for step in range(6):
    x = torch.randn(8, 4)
    if step == 3:
        x[5] *= 1000
    p = torch.softmax(model(x), -1)
    picked = p.gather(1, torch.full((8, 1), 2) if step != 3 else p.argmin(1, keepdim=True))
    loss = -torch.log(picked).mean()  # expect: log | log of 0
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
