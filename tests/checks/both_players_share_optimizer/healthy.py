"""One optimizer for both networks, one step for both losses: the judge is frozen in the second."""

import torch
from torch import nn

torch.manual_seed(9)
torch.set_num_threads(1)


class Players(nn.Module):
    def __init__(self):
        super().__init__()
        self.maker = nn.Sequential(nn.Linear(4, 32), nn.GELU(), nn.Linear(32, 2))
        self.judge = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))


players = Players()
optimizer = torch.optim.Adam(
    [
        {"params": players.maker.parameters(), "lr": 5e-4},
        {"params": players.judge.parameters(), "lr": 2e-3},
    ],
    betas=(0.5, 0.99),
)


def square(n):
    return torch.rand(n, 2) * 2 - 1


for step in range(60):
    optimizer.zero_grad()
    fake = players.maker(torch.randn(48, 4))
    judged = players.judge(square(48)), players.judge(fake.detach())
    (torch.relu(1 - judged[0]).mean() + torch.relu(1 + judged[1]).mean()).backward()

    players.judge.requires_grad_(False)
    fooled = -players.judge(fake).mean()
    fooled.backward()
    players.judge.requires_grad_(True)
    optimizer.step()
