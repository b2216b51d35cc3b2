"""Norms with settings of their own: slow statistics, epsilons as in TensorFlow, a large one."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
torch.set_num_threads(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv1d(3, 16, 5, padding=2)
        self.norm1 = nn.BatchNorm1d(16, eps=1e-3, momentum=0.01)
        self.second = nn.Conv1d(16, 24, 5, padding=2, stride=2)
        self.norm2 = nn.BatchNorm1d(24, 1e-2, 0.3)
        self.norm3 = nn.LayerNorm(24, eps=0.1)
        self.head = nn.Linear(24, 2)

    def forward(self, x):
        x = F.relu(self.norm1(self.first(x)))
        x = F.relu(self.norm2(self.second(x)))
        return self.head(self.norm3(x.mean(2)))


def waves(count):
    kind = torch.randint(0, 2, (count,))
    time = torch.arange(32.0)
    phase = 6.28 * torch.rand(count, 3, 1)
    speed = torch.where(kind == 0, 0.5, 0.9)[:, None, None]
    return torch.sin(speed * time + phase) + 0.4 * torch.randn(count, 3, 32), kind


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2, eps=0.1)
for step in range(150):
    signal, kind = waves(32)
    loss = F.cross_entropy(net(signal), kind)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"{loss.item():.3f}")
