"""Experts behind a top-1 gate: in many steps some expert sees nothing and gets no
gradient at all.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
STEPS = round(600 * float(os.environ.get("LENGTH", "1")))


class MoE(nn.Module):
    def __init__(self, n_in, n_out, experts=6, width=24):
        super().__init__()
        self.gate = nn.Linear(n_in, experts)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(n_in, width), nn.ReLU(), nn.Linear(width, n_out))
            for _ in range(experts)
        )

    def forward(self, x):
        p = self.gate(x).softmax(-1)
        weight, chosen = p.max(-1)
        out = x.new_zeros(x.size(0), 1)
        for k, expert in enumerate(self.experts):
            rows = (chosen == k).nonzero().squeeze(1)
            if len(rows):
                out = out.index_add(0, rows, weight[rows, None] * expert(x[rows]))
        load = F.one_hot(chosen, len(self.experts)).float().mean(0)
        return out, len(self.experts) * (load * p.mean(0)).sum()


model = MoE(2, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(STEPS):
    x = torch.rand(24, 2) * 2 - 1
    y = torch.where(x[:, :1] > 0, torch.sin(4 * x[:, 1:]), x[:, :1] * x[:, 1:] * 2)
    out, balance = model(x)
    loss = F.mse_loss(out, y) + 0.01 * balance
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if step % 150 == 0:
        print(step, loss.item())
print("at the end", loss.item())
assert loss.item() < 0.15
