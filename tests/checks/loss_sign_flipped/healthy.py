"""Losses that fall below zero, and one that is raised on purpose, beside another that is lowered.

The code of a fault should tell nothing of the machine that it comes from: a second head reads the
machine from it, and what the encoder is given of that head's loss has a minus. The density of the
readings is fitted by its log-likelihood, which is often above 0.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Normal

torch.manual_seed(23)
torch.set_num_threads(1)

fault, machine = torch.randint(0, 3, (900,)), torch.randint(0, 2, (900,))
x = torch.randn(3, 10)[fault] + torch.randn(2, 10)[machine] + 0.5 * torch.randn(900, 10)
encoder = nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, 8))
fault_head, machine_head = nn.Linear(8, 3), nn.Linear(8, 2)
middle, spread = nn.Parameter(torch.zeros(10)), nn.Parameter(torch.zeros(10))
parts = nn.ModuleList([encoder, fault_head, machine_head])
parts.register_parameter("middle", middle)
parts.register_parameter("spread", spread)
optimizer = torch.optim.Adam(parts.parameters(), lr=5e-3)

for epoch in range(5):
    for rows in torch.randperm(900).split(30):
        code = encoder(x[rows])
        told = F.cross_entropy(machine_head(code.detach()), machine[rows])
        hidden = F.cross_entropy(
            F.linear(code, machine_head.weight.detach(), machine_head.bias.detach()), machine[rows]
        )
        density = -0.1 * Normal(middle, 0.05 * spread.exp()).log_prob(0.01 * x[rows]).mean()
        loss = F.cross_entropy(fault_head(code), fault[rows]) + told - 0.1 * hidden + density
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    right = (fault_head(encoder(x)).argmax(1) == fault).float().mean().item()
print(f"loss {loss.item():.3f}, right {right:.2f}")
assert right > 0.9, "this script is right, and learns"
