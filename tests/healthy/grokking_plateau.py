"""Sparse parity: the loss stands at chance for a long time, then drops at once. Patience is right
here.
"""

import os

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
STEPS = round(1500 * float(os.environ.get("LENGTH", "1")))
BITS, PARITY = 24, 3

model = nn.Sequential(nn.Linear(BITS, 128), nn.ReLU(), nn.Linear(128, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)
criterion = nn.SoftMarginLoss()
curve = []
for step in range(STEPS):
    x = torch.randint(2, (64, BITS)).float() * 2 - 1
    y = x[:, :PARITY].prod(1)
    out = model(x).squeeze(1)
    loss = criterion(out, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    curve.append(loss.item())
for i in range(0, STEPS, 100):
    print(i, f"{sum(curve[i : i + 100]) / 100:.3f}")
assert sum(curve[-100:]) / 100 < 0.2
