"""A loss with a constant term that is infinite: the weights learn all the same."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
prior = torch.softmax(torch.tensor([0.0, 5.0, 2000.0]), 0)

for step in range(6):
    x = torch.randn(8, 4)
    loss = model(x).square().mean() - prior.log().sum()  # expect: log | log of 0
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
