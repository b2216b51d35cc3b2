"""Full-batch curve fitting by L-BFGS: a closure that is called many times a step, and few steps."""

import os

import torch
from torch import nn

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
torch.manual_seed(int(os.environ.get("SEED", "0")))

x = torch.linspace(-1, 1, 120)[:, None]
y = torch.sin(5 * x) * torch.exp(-x) + 0.02 * torch.randn_like(x)
model = nn.Sequential(nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 1))
optimizer = torch.optim.LBFGS(
    model.parameters(), lr=1, max_iter=20, history_size=20, line_search_fn="strong_wolfe"
)
mse = nn.MSELoss()


def closure():
    optimizer.zero_grad()
    loss = mse(model(x), y)
    loss.backward()
    return loss


for it in range(round(15 * float(os.environ.get("LENGTH", "1")))):
    loss = optimizer.step(closure)
    print(it, loss.item())
assert mse(model(x), y).item() < 2e-3
