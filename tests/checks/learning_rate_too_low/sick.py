"""A classifier that creeps."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
torch.manual_seed(0)

centres = torch.randn(8, 24)
y = torch.randint(0, 8, (3200,))
x = centres[y] + 0.7 * torch.randn(3200, 24)
loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)

net = nn.Sequential(nn.Linear(24, 64), nn.Tanh(), nn.Linear(64, 8))
opt = torch.optim.SGD(net.parameters(), lr=3e-4)  # expect: learning-rate-too-low

for epoch in range(6):
    for inputs, targets in loader:
        opt.zero_grad()
        loss = F.cross_entropy(net(inputs), targets)
        loss.backward()
        opt.step()
    print(epoch, round(loss.item(), 3))
