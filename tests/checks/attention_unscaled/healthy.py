"""Attention in which nothing is divided, and nothing need be.

The decoder looks at the states of a recurrent encoder (Luong's dot product); then a layer of
queries and keys whose weights begin small, as in T5.
"""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
torch.set_num_threads(1)
SIGNS, LENGTH, WIDTH = 12, 8, 64


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.signs = nn.Embedding(SIGNS, WIDTH)
        self.encode = nn.GRU(WIDTH, WIDTH, batch_first=True)
        self.query = nn.Linear(WIDTH, WIDTH, bias=False)
        self.key = nn.Linear(WIDTH, WIDTH, bias=False)
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(2 * WIDTH, SIGNS)
        for layer in (self.query, self.key):
            nn.init.normal_(layer.weight, std=WIDTH**-0.75)

    def forward(self, ids, places):
        states, last = self.encode(self.signs(ids))
        dots = torch.bmm(states, last[0].unsqueeze(2)).softmax(1)
        context = (dots * states).sum(1)
        hidden = self.norm(states)
        weights = (self.query(hidden) @ self.key(hidden).transpose(1, 2)).softmax(2)
        mixed = (weights @ states)[torch.arange(len(ids)), places]
        return self.head(torch.cat([context, mixed], 1))


model = Reader()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(150):
    ids = torch.randint(0, SIGNS, (48, LENGTH))
    places = torch.randint(0, LENGTH, (48,))
    loss = F.cross_entropy(model(ids, places), ids[torch.arange(48), places])
    opt.zero_grad()
    loss.backward()
    opt.step()
print(f"{loss.item():.3f}")
