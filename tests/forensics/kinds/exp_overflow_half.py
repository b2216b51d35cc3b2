"""A softmax by hand in float16."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

for step in range(6):
    x = torch.randn(8, 4)
    if step == 2:
        x[7] *= 300
    scores = model(x).half()
    weights = scores.exp()  # expect: exp | float16 above 11.09
    loss = (weights / weights.sum(1, keepdim=True)).float().square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
