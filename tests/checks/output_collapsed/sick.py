"""Ages from the measures of a shell; every layer is normalised."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
torch.set_num_threads(1)


class Dense(nn.Module):
    def __init__(self, inputs, outputs, act=True):
        super().__init__()
        self.lin = nn.Linear(inputs, outputs)
        self.norm = nn.LayerNorm(outputs)  # expect: output-collapsed
        self.act = nn.GELU() if act else nn.Identity()

    def forward(self, x):
        return self.act(self.norm(self.lin(x)))


class Ages(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(Dense(8, 64), Dense(64, 64))
        self.head = Dense(64, 1, act=False)

    def forward(self, shells):
        return self.head(self.body(shells)).squeeze(-1)


shells = torch.randn(1600, 8)
ages = 2 + shells[:, :3].sum(1) + 0.5 * shells[:, 3] ** 2 + 0.1 * torch.randn(1600)
net = Ages()
opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
for epoch in range(8):
    for rows in torch.randperm(1600).split(64):
        loss = F.mse_loss(net(shells[rows]), ages[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
