"""A sequence classifier that is given more than each step needs.

Lengths are read by Python, to cut the batch; a gate for the side channel begins at zero; the side
channel is dropped for a whole batch now and then; `keys` go along for the log, through `**extra`.
"""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(4)
torch.set_num_threads(1)
LONGEST = 12


class Gated(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.signs = nn.Embedding(10, width)
        self.side = nn.Linear(3, width)
        self.gate = nn.Parameter(torch.zeros(1))
        self.read = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, 2)

    def forward(self, ids, lengths, side, **extra):
        longest = int(lengths.max())
        hidden = self.signs(ids[:, :longest])
        if not self.training or torch.rand(()).item() > 0.3:
            hidden = hidden + self.gate * self.side(side)[:, None]
        states, _ = self.read(hidden)
        last = states[torch.arange(len(ids)), lengths - 1]
        return self.head(last)


def batch(count):
    lengths = torch.randint(4, LONGEST + 1, (count,))
    ids = torch.randint(1, 10, (count, LONGEST))
    ids[torch.arange(LONGEST)[None] >= lengths[:, None]] = 0
    side = torch.randn(count, 3)
    wanted = (ids.sum(1).float() / lengths + side[:, 0] > 5).long()
    given = {"ids": ids, "lengths": lengths, "side": side, "keys": torch.randperm(count)}
    return given, wanted


model = Gated()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(200):
    given, wanted = batch(32)
    loss = F.cross_entropy(model(**given), wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 49:
        print(step + 1, round(loss.item(), 3), round(model.gate.item(), 3))
