"""plateau-mode-wrong: the rate is cut each epoch from the second on, before anything is learnt."""

import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

torch.manual_seed(0)
torch.set_num_threads(1)

x = torch.randn(1600, 12)
y = (x[:, :6].sum(1) > 0).long() + (x[:, 6:].sum(1) > 0).long()
model = nn.Sequential(nn.Linear(12, 40), nn.Tanh(), nn.Linear(40, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=3e-4, momentum=0.9)
scheduler = ReduceLROnPlateau(optimizer, patience=0)
for epoch in range(14):
    for rows in torch.randperm(1200).split(40):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = (model(x[1200:]).argmax(1) == y[1200:]).double().mean()
    scheduler.step(right)
    print(f"epoch {epoch}: {loss.item():.4f} {right:.4f} {optimizer.param_groups[0]['lr']:.1e}")
