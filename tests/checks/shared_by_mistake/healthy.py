"""Weights that are shared on purpose, in four ways.

One activation for all layers, one encoder for two sides, one block for every depth (as in ALBERT),
and an output layer that is the embedding.
"""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
torch.set_num_threads(1)
WORDS, LENGTH = 24, 8


class Shared(nn.Module):
    def __init__(self, width=32, depth=4):
        super().__init__()
        act = nn.GELU()
        self.words = nn.Embedding(WORDS, width)
        self.block = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 64), act, nn.Linear(64, width), act
        )
        self.blocks = nn.ModuleList([self.block] * depth)
        self.left = self.right = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, WORDS, bias=False)
        self.head.weight = self.words.weight

    def side(self, reader, ids):
        hidden = self.words(ids)
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return reader(hidden)[0][:, -1]

    def forward(self, before, after):
        return self.head(self.side(self.left, before) + self.side(self.right, after.flip(1)))


def gaps(count):
    start, step = torch.randint(0, WORDS, (count, 1)), torch.randint(1, 4, (count, 1))
    line = (start + step * torch.arange(2 * LENGTH + 1)) % WORDS
    return line[:, :LENGTH], line[:, LENGTH], line[:, LENGTH + 1 :]


model = Shared()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(200):
    before, missing, after = gaps(32)
    loss = F.cross_entropy(model(before, after), missing)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 49:
        print(step + 1, round(loss.item(), 3))
