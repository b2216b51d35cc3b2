"""Rows that end in the same value for other reasons than padding, and padding that is masked.

The state of a lift, floor by floor: it often stands still at the end of the hour, and that is to be
learnt; all rows are of one length, and the same state occurs in their middle. A second loss, over
messages of unequal length, is weighed with a mask.
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(37)
torch.set_num_threads(1)


def lifts(count, length=16):
    moves = torch.where(torch.rand(count, length) < 0.4, torch.randint(0, 4, (count, length)), 0)
    moves[:, -3:] = torch.where(torch.rand(count, 1) < 0.5, 0, moves[:, -3:])
    return moves, (moves + moves.roll(1, 1)).clamp(max=3)


def messages(count, length=10):
    tokens = torch.randint(1, 12, (count, length))
    mask = torch.arange(length) < torch.randint(3, length + 1, (count, 1))
    return tokens * mask, ((tokens * 5) % 12) * mask, mask


class Model(nn.Module):
    def __init__(self, tokens, classes):
        super().__init__()
        self.embed = nn.Embedding(tokens, 16)
        self.rnn = nn.LSTM(16, 24, batch_first=True)
        self.out = nn.Linear(24, classes)

    def forward(self, x):
        return self.out(self.rnn(self.embed(x))[0])


lift, talk = Model(4, 4), Model(12, 12)
optimizer = torch.optim.Adam([*lift.parameters(), *talk.parameters()], lr=1e-2)
for step in range(150):
    moves, state = lifts(24)
    tokens, answer, mask = messages(24)
    each = F.cross_entropy(talk(tokens).transpose(1, 2), answer, reduction="none")
    loss = F.cross_entropy(lift(moves).flatten(0, 1), state.flatten())
    loss = loss + (each * mask).sum() / mask.sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

print(f"loss {loss.item():.3f}")
assert loss.item() < 0.5, "this script is right, and learns"
