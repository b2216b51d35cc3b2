"""Two-moons classifier with a hand-written init function."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)


class Net(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.fc1 = nn.Linear(2, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, 2)
        self.apply(self._init_weights)

    def _init_weights(self, m):
        if isinstance(m, nn.Linear):
            nn.init.constant_(m.weight, 0.01)  # expect: symmetric-initialisation
            nn.init.zeros_(m.bias)

    def forward(self, x):
        return self.out(torch.relu(self.fc2(torch.relu(self.fc1(x)))))


def moons(n):
    t = torch.rand(n) * torch.pi
    label = torch.randint(0, 2, (n,))
    sign = 1.0 - 2.0 * label
    x = torch.stack([t.cos() + label - 0.5, sign * t.sin() + 0.25 * label], 1)
    return x + 0.1 * torch.randn(n, 2), label


model = Net()
opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
x_all, y_all = moons(2000)
for epoch in range(5):
    for idx in torch.randperm(2000).split(50):
        loss = nn.functional.cross_entropy(model(x_all[idx]), y_all[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
