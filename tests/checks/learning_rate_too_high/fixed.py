"""A small digit-like classifier that blows up in its first steps."""

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(0)

centres = torch.randn(10, 32)
labels = torch.randint(0, 10, (2000,))
points = centres[labels] + 0.8 * torch.randn(2000, 32)

model = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
criterion = nn.CrossEntropyLoss()

for epoch in range(5):
    order = torch.randperm(2000)
    for batch in order.split(50):
        optimizer.zero_grad()
        loss = criterion(model(points[batch]), labels[batch])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.3f}")
