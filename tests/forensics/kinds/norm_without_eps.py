"""A layer norm of constant rows, whose eps is 0."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.LayerNorm(6, eps=0), nn.Linear(6, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for step in range(6):
    x = torch.randn(8, 4)
    if step == 2:
        x[3] = 0
        with torch.no_grad():
            model[0].bias.fill_(-0.1)
    out = model(x)  # expect: layer_norm | eps is 0
    loss = out.square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
