"""An angle between a vector and itself."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for step in range(6):
    x = torch.randn(8, 4)
    cosine = torch.tanh(model(x)).sum(1) / 3
    if step == 2:
        cosine = cosine + (cosine.sign() - cosine).detach()
    angle = torch.acos(cosine)  # expect: acos | the derivative of acos at 1 and -1
    loss = angle.mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
