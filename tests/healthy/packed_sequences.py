"""Sequences of unequal length, packed: a recurrent net that reads from both ends sees no padding.

The lengths go along, and the net answers once for each sequence.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
STEPS = round(220 * float(os.environ.get("LENGTH", "1")))
SIGNS = 12


class Brackets(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.signs = nn.Embedding(SIGNS, width, padding_idx=0)
        self.read = nn.GRU(width, width, batch_first=True, bidirectional=True)
        self.answer = nn.Linear(2 * width, 2)

    def forward(self, texts, lengths):
        packed = pack_padded_sequence(
            self.signs(texts), lengths, batch_first=True, enforce_sorted=False
        )
        _, last = self.read(packed)
        return self.answer(torch.cat([last[0], last[1]], 1))


def texts(count):
    lengths = torch.randint(3, 15, (count,))
    rows = [torch.randint(1, SIGNS, (int(length),)) for length in lengths]
    same = torch.tensor([int(row[0] > row[-1]) for row in rows])
    return pad_sequence(rows, batch_first=True), lengths, same


model = Brackets()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
losses = []
for step in range(STEPS):
    rows, lengths, same = texts(48)
    loss = F.cross_entropy(model(rows, lengths), same)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(sum(losses[-20:]) / 20)
assert sum(losses[-20:]) / 20 < 0.55
