"""Parity of bits: neighbours have opposite labels, and no line tells them; the network does."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(43)
torch.set_num_threads(1)

BITS, COUNT = 3, 1500
bits = torch.randint(0, 2, (COUNT, BITS))
labels = bits.sum(1) % 2
x = (2.0 * bits - 1) + 0.25 * torch.randn(COUNT, BITS)
x = torch.cat([x, 2 * torch.randn(COUNT, 8)], 1)

model = nn.Sequential(nn.Linear(BITS + 8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(),
                      nn.Linear(64, 2))  # fmt: skip
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for step in range(400):
    rows = torch.randint(0, COUNT, (64,))
    loss = F.cross_entropy(model(x[rows]), labels[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.3f}")
assert loss.item() < 0.4, "this script is right, and learns"
