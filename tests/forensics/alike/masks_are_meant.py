"""Attention with -inf masks in every step; the loss breaks by a logarithm."""

import torch
from torch import nn

torch.manual_seed(0)


class Pool(nn.Module):
    def __init__(self):
        super().__init__()
        self.score = nn.Linear(4, 1)
        self.head = nn.Linear(4, 2)

    def forward(self, x, padding):
        mask = torch.zeros(8, 5).masked_fill(padding, -torch.inf)
        weight = (self.score(x).squeeze(-1) + mask).softmax(-1)
        return self.head((weight.unsqueeze(-1) * x).sum(1))


model = Pool()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

for step in range(6):
    x = torch.randn(8, 5, 4)
    padding = torch.arange(5) >= torch.randint(1, 6, (8, 1))
    best = torch.full((8,), -torch.inf)
    out = model(x, padding)
    best = torch.maximum(best, out.detach().amax(1))
    chance = torch.sigmoid(out) if step != 3 else torch.sigmoid(out) * 0
    loss = -(chance.log().mean() + 0 * best.mean())  # expect: log | log of 0
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
