"""An angle of two vectors whose cosine was rounded above 1."""

import torch
from torch import nn

torch.manual_seed(3)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for step in range(6):
    x = torch.randn(8, 4)
    cosine = torch.tanh(model(x)) * (1.0 if step != 4 else 1.5)
    loss = torch.acos(cosine).mean()  # expect: acos | acos is defined from -1 to 1
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
