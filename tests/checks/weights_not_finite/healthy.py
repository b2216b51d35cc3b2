"""A small causal language model whose mask is a parameter: -inf above the diagonal, learnt below.

Each position may only look back; how much each distance counts is learnt with everything else.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(2)
torch.set_num_threads(1)

LENGTH, SYMBOLS = 12, 10


class Back(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.token = nn.Embedding(SYMBOLS, width)
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.head = nn.Linear(width, SYMBOLS)
        above = torch.full((LENGTH, LENGTH), -math.inf).triu(1)
        self.bias = nn.Parameter(above)

    def forward(self, tokens):
        h = self.token(tokens)
        score = self.query(h) @ self.key(h).mT / h.shape[-1] ** 0.5 + self.bias
        return self.head(h + score.softmax(-1) @ h)


model = Back()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
first = None

for step in range(150):
    start = torch.randint(0, SYMBOLS, (32, 1))
    stride = torch.randint(1, 3, (32, 1))
    words = (start + stride * torch.arange(LENGTH + 1)) % SYMBOLS
    loss = F.cross_entropy(model(words[:, :-1]).flatten(0, 1), words[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    first = first or loss.item()

print(f"{first:.3f} -> {loss.item():.3f}")
assert loss.item() < 0.5 * first
