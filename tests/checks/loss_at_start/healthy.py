"""Losses that begin at 200 and at 900, and are none too high: sums, and squares of large numbers.

Which of forty streets, summed over the batch, and the price there in ten thousands.
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(53)
torch.set_num_threads(1)

STREETS = 40
x = torch.randn(2000, 12)
street = (x[:, :2] @ torch.tensor([6.0, 1.0]) + 20).clamp(0, STREETS - 1).long()
price = (30 + 4 * x[:, 2] - 2 * x[:, 3]).unsqueeze(1)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(12, 64), nn.ReLU())
        self.street, self.price = nn.Linear(64, STREETS), nn.Linear(64, 1)

    def forward(self, x):
        h = self.body(x)
        return self.street(h), self.price(h)


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(6):
    for rows in torch.randperm(2000).split(50):
        logits, guess = net(x[rows])
        which = F.cross_entropy(logits, street[rows], reduction="sum")
        loss = which + F.mse_loss(guess, price[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

print(f"loss {loss.item():.1f}, street {which.item() / 50:.2f}")
assert loss.item() < 250, "this script is right, and learns"
