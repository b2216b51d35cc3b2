"""A damped oscillation from its equation: x'' + 2 d x' + w^2 x = 0, x(0) = 1, x'(0) = 0."""

import torch
from torch import nn

torch.manual_seed(3)
torch.set_num_threads(1)

D, W = 0.5, 3.0


class Field(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.inner = nn.Sequential(
            nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh()
        )
        self.out = nn.Linear(width, 1)

    def forward(self, t):
        return self.out(self.inner(t))


def slope(of, by):
    made = torch.autograd.grad(of.sum(), by, retain_graph=True)  # expect: derivative-without-graph
    return made[0]


field = Field()
optimizer = torch.optim.Adam(field.parameters(), lr=3e-3)
zero = torch.zeros(1, 1, requires_grad=True)

for step in range(120):
    t = (2 * torch.rand(32, 1)).requires_grad_()
    x = field(t)
    v = torch.autograd.grad(x, t, torch.ones_like(x), create_graph=True)[0]
    residual = slope(v, t) + 2 * D * v + W**2 * x
    start = field(zero)
    loss = residual.square().mean() + 10 * (start - 1).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        print(f"{step:3d} {loss.item():.4f}")
