"""A pendulum's angle predicts its speed; the angles are centred over all swings."""

import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
torch.set_num_threads(1)


def swings(count):
    angle = 1.2 * torch.randn(count, 1)
    speed = torch.sin(2 * angle) + 0.3 * angle**2 + 0.05 * torch.randn(count, 1)
    return angle, speed


angle, speed = swings(1200)
angle = angle - angle.mean(dim=0, keepdim=True)
loader = DataLoader(TensorDataset(angle, speed), batch_size=40, shuffle=True)


class Net(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.first, self.second = nn.Linear(1, width), nn.Linear(width, width)
        self.last = nn.Linear(width, 1)

    def forward(self, x):
        x = torch.tanh(self.first(math.pi * x))
        return self.last(torch.tanh(self.second(x)))


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
criterion = nn.MSELoss()
for epoch in range(10):
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"epoch {epoch}: {total / len(loader):.4f}")
