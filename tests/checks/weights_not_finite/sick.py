"""Places towns on a map so that their distances are travel times; pairs are drawn at random."""

import torch
from torch import nn

torch.manual_seed(4)
torch.set_num_threads(1)

TOWNS = 1500
where = torch.rand(TOWNS, 2)


class Map(nn.Module):
    def __init__(self):
        super().__init__()
        self.place = nn.Embedding(TOWNS, 3)

    def forward(self, a, b):
        gap = self.place(a) - self.place(b)
        return gap.square().sum(1).sqrt()  # expect: weights-not-finite


model = Map()
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)

for step in range(120):
    a, b = torch.randint(0, TOWNS, (2, 64))
    minutes = (where[a] - where[b]).norm(dim=1)
    loss = (model(a, b) - minutes).square().nanmean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(step, round(loss.item(), 4))
