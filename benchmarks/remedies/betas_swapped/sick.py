"""A spiral classifier; beta1 and beta2 were written in the order of another library."""

import math

import torch

torch.manual_seed(41)
torch.set_num_threads(1)


def spiral(count):
    arm = torch.randint(0, 3, (count,))
    radius = torch.rand(count)
    angle = 4 * radius + arm * (2 * math.pi / 3) + 0.15 * torch.randn(count)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1), arm


model = torch.nn.Sequential(
    torch.nn.Linear(2, 64), torch.nn.ReLU(), torch.nn.Linear(64, 64), torch.nn.ReLU(),
    torch.nn.Linear(64, 3),
)  # fmt: skip
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, betas=(0.999, 0.9))
for _step in range(400):
    points, arm = spiral(100)
    loss = torch.nn.functional.cross_entropy(model(points), arm)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
