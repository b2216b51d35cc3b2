"""lambda-returns-rate: a rate of 0.001, squared, so that nothing can be learnt."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)

x = torch.randn(1000, 12)
y = (x[:, :6].sum(1) > 0).long() + (x[:, 6:].sum(1) > 0).long()
model = nn.Sequential(nn.Linear(12, 40), nn.ReLU(), nn.Linear(40, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1e-3 / (1 + 0.1 * epoch))
for epoch in range(12):
    for rows in torch.randperm(1000).split(50):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
