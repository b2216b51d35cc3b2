"""rate-decays-too-early: a rate cut by hand each epoch, before anything is learnt."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)

x = torch.randn(1200, 12)
y = (x[:, :6].sum(1) > 0).long() + (x[:, 6:].sum(1) > 0).long()
model = nn.Sequential(nn.Linear(12, 40), nn.Tanh(), nn.Linear(40, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=3e-4, momentum=0.9)
for epoch in range(14):
    for rows in torch.randperm(1200).split(40):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for group in optimizer.param_groups:
        group["lr"] *= 0.1
    print(f"epoch {epoch}: {loss.item():.4f}")
