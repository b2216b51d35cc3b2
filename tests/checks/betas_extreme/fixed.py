"""Is a signal from a bearing that will fail? Binary classification, Adam tuned by hand."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(31)
torch.set_num_threads(1)


class Bearing(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.first = nn.Linear(30, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, 2)

    def forward(self, x):
        x = F.relu(self.first(x))
        return self.last(F.relu(self.second(x)))


t = torch.linspace(0, 12.56, 30)
broken = torch.randint(0, 2, (2000,))
signal = torch.sin(t + 6 * torch.rand(2000, 1)) + 0.4 * torch.randn(2000, 30)
signal += broken[:, None] * 0.6 * torch.sin(5 * t)
model = Bearing()
options = {"lr": 0.01, "betas": (0.9, 0.999)}
opt = torch.optim.Adam(model.parameters(), **options)
for step in range(200):
    i = torch.randint(0, 2000, (50,))
    loss = F.cross_entropy(model(signal[i]), broken[i])
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 50 == 49:
        print(f"step {step + 1} loss {loss.item():.3f}")
