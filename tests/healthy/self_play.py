"""Matching pennies against oneself: both players learn, and neither's loss goes anywhere.

What one wins the other loses, so that losses swing about zero and the policies go round in circles;
their average is what is learnt.
"""

import os

import torch
from torch import nn
from torch.distributions import Categorical

SEED, LENGTH = int(os.environ.get("SEED", 0)), float(os.environ.get("LENGTH", 1))
torch.manual_seed(SEED)
torch.set_num_threads(1)


class Players(nn.Module):
    def __init__(self):
        super().__init__()
        self.even = nn.Parameter(torch.tensor([1.0, 0.0]))
        self.odd = nn.Parameter(torch.tensor([0.0, 0.5]))

    def forward(self):
        return Categorical(logits=self.even), Categorical(logits=self.odd)


players = Players()
optimizer = torch.optim.SGD(players.parameters(), lr=0.1)
average = torch.zeros(2)
steps = int(600 * LENGTH)
for step in range(steps):
    even, odd = players()
    a, b = even.sample((128,)), odd.sample((128,))
    won = torch.where(a == b, 1.0, -1.0)
    loss = -(even.log_prob(a) * won).mean() - (odd.log_prob(b) * -won).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    average += even.probs.detach() / steps
    if step % 60 == 0:
        print(step, round(loss.item(), 3), [round(p, 2) for p in even.probs.tolist()])

print("on average", average.tolist())
assert (average - 0.5).abs().max() < 0.15, "this script is right, and learns"
