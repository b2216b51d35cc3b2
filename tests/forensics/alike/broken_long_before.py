"""A rare row of an embedding that breaks at step 2, and is used again at step 9."""

import torch
from torch import nn

torch.manual_seed(0)
table = nn.Embedding(4, 3)
optimizer = torch.optim.SGD(table.parameters(), lr=0.1)

for step in range(12):
    rows = torch.tensor([0, 1, 2]) if step not in (2, 9) else torch.tensor([0, 3])
    h = table(rows)
    moved = h - h.detach() if step == 2 else h
    norm = moved.square().sum(1).sqrt()  # expect: sqrt | of sqrt at 0
    picked = norm[rows == 3] if step == 2 else norm
    loss = (picked - 1).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
