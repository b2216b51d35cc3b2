"""A recurrent network unrolled by hand: one moment's tanh enters the next one's linear layer."""

import os

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
SEED, LENGTH = int(os.environ.get("SEED", "0")), float(os.environ.get("LENGTH", "1"))
torch.manual_seed(SEED)


class Elman(nn.Module):
    """Says whether a series ends above where it began."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Linear(1, 24)
        self.again = nn.Linear(24, 24)
        self.act = nn.Tanh()
        self.leave = nn.Linear(24, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state = torch.zeros(x.shape[0], 24)
        for moment in x.unbind(1):
            state = self.act(self.enter(moment.unsqueeze(1)) + self.again(state))
        return self.leave(state)


net = Elman()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
losses = []
for step in range(int(200 * LENGTH)):
    x = torch.randn(64, 6)
    y = (x[:, -1] > x[:, 0]).long()
    loss = F.cross_entropy(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    if step % 40 == 0:
        print(step, round(losses[-1], 3))

assert LENGTH < 1 or sum(losses[-10:]) < 0.5 * sum(losses[:10]), "the network did not learn"
