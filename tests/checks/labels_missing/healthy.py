"""Contrast with a queue: the label of every row is 0, the place of the positive among many."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(31)
torch.set_num_threads(1)

QUEUE, WIDTH = 63, 16
things = torch.randn(300, 20)


def view(rows):
    return things[rows] + 0.5 * torch.randn(len(rows), 20)


def encoder():
    return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, WIDTH))


query, key = encoder(), encoder()
key.load_state_dict(query.state_dict())
for p in key.parameters():
    p.requires_grad_(False)
queue = F.normalize(torch.randn(QUEUE, WIDTH), dim=1)
optimizer = torch.optim.SGD(query.parameters(), lr=0.05, momentum=0.9)

for step in range(200):
    rows = torch.randint(0, len(things), (21,))
    q = F.normalize(query(view(rows)), dim=1)
    with torch.no_grad():
        for slow, fast in zip(key.parameters(), query.parameters()):
            slow.lerp_(fast, 0.05)
        k = F.normalize(key(view(rows)), dim=1)
    positive = (q * k).sum(1, keepdim=True)
    logits = torch.cat([positive, q @ queue.T], 1) / 0.2
    loss = F.cross_entropy(logits, torch.zeros(len(rows), dtype=torch.long))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    queue = torch.cat([k, queue])[:QUEUE]
print(f"loss {loss.item():.3f}")
