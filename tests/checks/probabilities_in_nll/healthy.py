"""Log-probabilities that are made in three ways, with negative losses beside them.

A mixture of two experts is a logarithm of a sum of probabilities; a head takes the logarithm of
clamped probabilities; a generative classifier scores by log densities, some of which are positive.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(2)
torch.set_num_threads(1)
CLASSES = 3

means = torch.tensor([[0.0, 1.0], [1.0, 0.0], [-1.0, -1.0]])


def draw(n=80):
    y = torch.randint(0, CLASSES, (n,))
    return means[y] + 0.2 * torch.randn(n, 2), y


class Experts(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.one, self.two = (nn.Linear(2, k) for k in (2, CLASSES, CLASSES))

    def forward(self, x):
        gate = self.gate(x).softmax(-1)
        both = torch.stack([self.one(x).softmax(-1), self.two(x).softmax(-1)], 1)
        return torch.log((gate.unsqueeze(-1) * both).sum(1))


class Densities(nn.Module):
    """A Gaussian for each class, whose log density may be positive."""

    def __init__(self):
        super().__init__()
        self.means = nn.Parameter(torch.randn(CLASSES, 2))
        self.log_std = nn.Parameter(torch.full((CLASSES,), -1.0))

    def forward(self, x):
        far = ((x.unsqueeze(1) - self.means) ** 2).sum(-1)
        return -0.5 * far * torch.exp(-2 * self.log_std) - 2 * self.log_std - math.log(2 * math.pi)


experts, densities, plain = Experts(), Densities(), nn.Linear(2, CLASSES)
parameters = [*experts.parameters(), *densities.parameters(), *plain.parameters()]
optimizer = torch.optim.Adam(parameters, lr=3e-2)
for _ in range(200):
    x, y = draw()
    loss = F.nll_loss(experts(x), y)
    loss = loss + F.nll_loss(input=plain(x).softmax(1).clamp(min=1e-7).log(), target=y)
    loss = loss + nn.NLLLoss()(densities(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
x, y = draw(600)
accuracy = (experts(x).argmax(1) == y).float().mean().item()
print(f"accuracy {accuracy:.3f}, loss {loss.item():.3f}")
assert accuracy > 0.9
