"""Weights in bfloat16 alone, trained with an optimizer that rounds stochastically.

Zamirai et al. 2020. A step changes few elements, each by a whole digit, and the mean is right.
"""

import torch
from torch import nn

torch.manual_seed(4)
torch.set_num_threads(1)


def round_by_chance(x):
    """Returns x in bfloat16: up or down, the more likely the nearer."""
    bits = x.view(torch.int32) + torch.randint(0, 1 << 16, x.shape, dtype=torch.int32)
    return (bits & -65536).view(torch.float32).bfloat16()


class StochasticSGD(torch.optim.Optimizer):
    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p.copy_(round_by_chance(p.float() - group["lr"] * p.grad.float()))


x = torch.randn(800, 16).bfloat16()
y = (x.float() @ torch.randn(16) > 0).long()
net = nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 2)).bfloat16()
optimizer = StochasticSGD(net.parameters(), lr=0.01)
losses = []
for epoch in range(30):
    for rows in torch.randperm(800).split(20):
        loss = nn.functional.cross_entropy(net(x[rows]).float(), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
first, last = sum(losses[:40]) / 40, sum(losses[-40:]) / 40
print(f"loss {first:.3f} to {last:.3f}")
assert last < 0.8 * first
