"""How does a network go on where it has seen nothing? It is asked on three times the range."""

import os

import torch
from torch import nn

SEED, LENGTH = int(os.environ.get("SEED", "0")), float(os.environ.get("LENGTH", "1"))
torch.manual_seed(107 + SEED)
torch.set_num_threads(1)

WIDTH = 5


def truth(x):
    return x[:, :1] * x[:, 1:2] + torch.sin(2 * x[:, 2:3]) + 0.5 * x[:, 3:4]


train_x = 2 * torch.rand(800, WIDTH) - 1
train_y = truth(train_x)
near_x, far_x = 2 * torch.rand(200, WIDTH) - 1, 6 * torch.rand(200, WIDTH) - 3


class Mlp(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(WIDTH, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(),
            nn.Linear(hidden, 1),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(x)


mlp = Mlp()
optimizer = torch.optim.AdamW(mlp.parameters(), lr=3e-3)
for epoch in range(int(20 * LENGTH)):
    for rows in torch.randperm(800).split(50):
        loss = nn.functional.mse_loss(mlp(train_x[rows]), train_y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
mlp.eval()
with torch.no_grad():
    near, far = (nn.functional.mse_loss(mlp(x), truth(x)).item() for x in (near_x, far_x))
print(f"training {loss.item():.4f}, within {near:.4f}, beyond {far:.4f}")
assert near < 0.2 < far
