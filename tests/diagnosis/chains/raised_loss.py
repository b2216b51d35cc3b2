"""loss-sign-flipped: the cross-entropy is raised, until gradients and then it itself overflow."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)

x = torch.randn(800, 12)
y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
model = nn.Sequential(
    nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(),
    nn.Linear(64, 3),
)  # fmt: skip
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
criterion = nn.CrossEntropyLoss()
for _ in range(5):
    for rows in torch.randperm(800).split(40):
        loss = -criterion(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
