"""Weights in half precision under RMSprop, whose eps was raised for it."""

import torch
from torch import nn

torch.manual_seed(42)
torch.set_num_threads(1)

x = torch.randn(800, 16)
y = (x[:, 0] + x[:, 1] > 0).float()
net = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 1)).half()
rms = torch.optim.RMSprop(net.parameters(), lr=2e-3, eps=1e-3)
for epoch in range(12):
    for rows in torch.randperm(800).split(40):
        logits = net(x[rows].half()).squeeze(1).float()
        loss = nn.functional.binary_cross_entropy_with_logits(logits, y[rows])
        rms.zero_grad()
        (256 * loss).backward()
        for p in net.parameters():
            p.grad.div_(256)
        rms.step()
    print(epoch, f"{loss.item():.3f}")
assert loss.item() < 0.5
