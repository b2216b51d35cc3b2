"""How much does a house cost? The network is made again so that a second seed can be tried."""

import torch
from torch import nn

torch.set_num_threads(1)


def houses():
    torch.manual_seed(1)
    features = torch.rand(1000, 7)
    price = 4 * features[:, 0] * features[:, 1] + features[:, 2] - 2 * (features[:, 3] - 0.5).abs()
    return features, price[:, None]


class Prices(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.inner = nn.Linear(7, width)
        self.outer = nn.Linear(width, 1)

    def forward(self, x):
        return self.outer(self.inner(x).relu())


def seeded(seed):
    torch.manual_seed(seed)
    return Prices()


features, price = houses()
net = seeded(0)
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)  # expect: stale-parameters
net = seeded(17)

for epoch in range(12):
    total = 0.0
    for rows in torch.randperm(1000).split(50):
        net.zero_grad()
        loss = nn.functional.mse_loss(net(features[rows]), price[rows])
        loss.backward()
        opt.step()
        total += loss.item()
    print(f"epoch {epoch}: {total / 20:.3f}")
