"""Two moons, told apart in an order that `random` shuffles; all is seeded."""

# run twice
import random

import torch
from torch import nn

random.seed(0)
torch.manual_seed(0)
torch.set_num_threads(1)

angle = torch.rand(320) * 3.1416
side = torch.arange(320) % 2
moons = torch.stack([angle.cos() + side * 0.9, angle.sin() * (1 - 2 * side)], 1)
moons = moons + 0.1 * torch.randn(320, 2)
net = nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
rows = list(range(320))
for epoch in range(12):
    random.shuffle(rows)
    for start in range(0, 320, 32):
        chosen = rows[start : start + 32]
        loss = nn.functional.cross_entropy(net(moons[chosen]), side[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
