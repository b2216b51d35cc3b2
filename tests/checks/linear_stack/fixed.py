"""Two rings of points; a small perceptron is to tell which one a point lies on."""

import torch
import torch.nn as nn

torch.manual_seed(0)
torch.set_num_threads(1)


class Rings(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.fc1 = nn.Linear(2, hidden)
        self.bn1 = nn.BatchNorm1d(hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.drop = nn.Dropout(0.1)
        self.fc3 = nn.Linear(hidden, 2)

    def forward(self, x):
        x = torch.relu(self.bn1(self.fc1(x)))
        x = self.drop(torch.relu(self.fc2(x)))
        return self.fc3(x)


def points(count):
    ring = torch.randint(0, 2, (count,))
    angle = 6.2832 * torch.rand(count)
    radius = 1 + 1.2 * ring + 0.15 * torch.randn(count)
    x = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
    return x, (ring + (x[:, 0] > 0.8)) % 2


x, ring = points(1600)
net = Rings()
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(6):
    net.train()
    for rows in torch.randperm(1600).split(50):
        loss = loss_fn(net(x[rows]), ring[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
