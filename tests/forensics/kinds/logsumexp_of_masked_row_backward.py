"""A sum of likelihoods in a row of which all are masked."""

import torch
from torch import nn

torch.manual_seed(2)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for step in range(6):
    x = torch.randn(8, 4)
    masked = torch.rand(8, 3) < (0.1 if step != 2 else 0.0)
    if step == 2:
        masked[6] = True
    mask = torch.zeros(8, 3).masked_fill(masked, -torch.inf)
    score = model(x) + mask
    loss = score.logsumexp(1).exp().mean()  # expect: logsumexp | all are -inf has no derivative
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
