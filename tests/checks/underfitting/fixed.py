"""Classes that lie in rings, with a hint along one axis, and a network that can bend."""

import torch
from torch import nn

torch.manual_seed(31)
torch.set_num_threads(1)

radius = torch.rand(1600) * 3
angle = 6.2832 * torch.rand(1600)
points = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
label = (radius.long() % 2 == 1).long()
points[:, 0] += 1.2 * label
train_x, train_y, held_x, held_y = points[:1200], label[:1200], points[1200:], label[1200:]

model = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(24):
    for idx in torch.randperm(1200).split(60):
        optimizer.zero_grad()
        loss = loss_fn(model(train_x[idx]), train_y[idx])
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        held = loss_fn(model(held_x), held_y)
    print(f"epoch {epoch}: train {loss.item():.3f}, held out {held.item():.3f}")
