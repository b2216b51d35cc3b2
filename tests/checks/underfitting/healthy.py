"""A slow start: the loss is still high when the run ends, and still falls."""

import torch
from torch import nn

torch.manual_seed(37)
torch.set_num_threads(1)

x = torch.rand(1500, 3) * 4 - 2
y = torch.sin(2 * x[:, :1]) * x[:, 1:2] + 0.3 * x[:, 2:]
net = nn.Sequential(nn.Linear(3, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=2e-2, momentum=0.9)
criterion = nn.MSELoss()
for epoch in range(10):
    net.train()
    for idx in torch.randperm(1200).split(60):
        loss = criterion(net(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        held = criterion(net(x[1200:]), y[1200:])
    print(f"epoch {epoch}: train {loss.item():.4f}, held out {held.item():.4f}")
