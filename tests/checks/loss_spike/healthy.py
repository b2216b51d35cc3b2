"""A robot arm whose load is changed by plan: the loss leaps at each change, and is learnt down.

Between the changes the noise has heavy tails, and a Huber loss is made for that.
"""

import torch
from torch import nn

torch.manual_seed(67)
torch.set_num_threads(1)

arm = nn.Sequential(nn.Linear(6, 48), nn.Tanh(), nn.Linear(48, 2))
optimizer = torch.optim.Adam(arm.parameters(), lr=3e-3)
criterion = nn.HuberLoss()
tails = torch.distributions.StudentT(3.0)
way = torch.randn(6, 2)
for step in range(600):
    if step in (250, 450):
        way = way + 1.5 * torch.randn(6, 2)
    angle = torch.randn(32, 6)
    force = torch.tanh(angle @ way) * 2 + 0.1 * tails.sample((32, 2))
    loss = criterion(arm(angle), force)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.4f}")
assert loss.item() < 0.15, "this script is right, and learns"
