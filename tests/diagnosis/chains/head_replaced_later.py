"""parameters-outside-optimizer: the second task's head replaces one that its optimizer holds."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)

x = torch.randn(500, 10)
tasks = [(x[:, 0] > 0).long() + (x[:, 1] > 0).long(), ((x[:, 0] > 0) & (x[:, 1] > 0)).long()]
net = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))


def fit(optimizer, target):
    for _ in range(100):
        rows = torch.randint(0, 500, (32,))
        loss = nn.functional.cross_entropy(net(x[rows]), target[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


fit(torch.optim.Adam(net.parameters(), 1e-2), tasks[0])
second = torch.optim.Adam(net.parameters(), 1e-3)
net[2] = nn.Linear(32, 2)
fit(second, tasks[1])
