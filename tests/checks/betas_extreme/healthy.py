"""Two trainings with betas that are unusual and right: a short memory of size, and none of mean."""

import torch
from torch import nn

torch.manual_seed(32)
torch.set_num_threads(1)

x = torch.randn(1000, 8)
y = x[:, 0] * x[:, 1] + x[:, 2].cos()


def train(betas):
    net = nn.Sequential(nn.Linear(8, 48), nn.Tanh(), nn.Linear(48, 1))
    adam = torch.optim.Adam(net.parameters(), lr=4e-3, betas=betas)
    for _ in range(20):
        for rows in torch.randperm(1000).split(50):
            adam.zero_grad()
            loss = nn.functional.mse_loss(net(x[rows]).squeeze(1), y[rows])
            loss.backward()
            adam.step()
    return loss.item()


for betas in ((0.9, 0.95), (0.0, 0.9)):
    last = train(betas)
    print(betas, f"{last:.3f}")
    assert last < 0.6
