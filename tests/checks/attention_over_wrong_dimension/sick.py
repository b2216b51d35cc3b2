"""A dictionary of pairs: the model is given a key and is to say its value."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
torch.set_num_threads(1)
KEYS, VALUES, PAIRS = 16, 8, 8


class Dictionary(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.keys, self.values = nn.Embedding(KEYS, width), nn.Embedding(VALUES, width)
        self.q = nn.Linear(width, width, bias=False)
        self.k = nn.Linear(width, width, bias=False)
        self.v = nn.Linear(width, width, bias=False)
        self.head = nn.Linear(width, VALUES)

    def look_up(self, query, context):
        q, k, v = self.q(query), self.k(context), self.v(context)
        scores = torch.bmm(q, k.transpose(1, 2)) / k.shape[-1] ** 0.5
        weights = F.softmax(scores, dim=1)  # expect: attention-over-wrong-dimension
        return torch.bmm(weights, v)

    def forward(self, asked, keys, values):
        context = self.keys(keys) + self.values(values)
        seen = self.look_up(self.keys(asked)[:, None], context)
        return self.head(seen[:, 0])


def lists(count):
    keys = torch.rand(count, KEYS).argsort(1)[:, :PAIRS]
    values = torch.randint(0, VALUES, (count, PAIRS))
    which = torch.randint(0, PAIRS, (count,))
    rows = torch.arange(count)
    return keys[rows, which], keys, values, values[rows, which]


model = Dictionary()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(250):
    asked, keys, values, answer = lists(64)
    loss = F.cross_entropy(model(asked, keys, values), answer)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 49:
        print(f"step {step + 1}: {loss.item():.3f}")
