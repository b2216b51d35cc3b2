"""Differentially private SGD: the gradient of each sample is clipped to a small norm, then noise.

Abadi et al. 2016. Nearly all gradients are above the limit, on purpose, one backward pass a sample,
and the rate is made for it.
"""

import os

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

LIMIT, NOISE, BATCH = 0.02, 0.5, 32
x = torch.randn(600, 10)
y = (x[:, 0] - x[:, 1] + 0.5 * x[:, 2] > 0).long()
model = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.5 / LIMIT)
parameters = list(model.parameters())
for step in range(round(80 * float(os.environ.get("LENGTH", "1")))):
    total = [torch.zeros_like(p) for p in parameters]
    for row in torch.randint(0, 600, (BATCH,)):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[row : row + 1]), y[row : row + 1])
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, LIMIT)
        for held, p in zip(total, parameters):
            held += p.grad
    for held, p in zip(total, parameters):
        p.grad = (held + NOISE * LIMIT * torch.randn_like(held)) / BATCH
    optimizer.step()
accuracy = (model(x).argmax(1) == y).float().mean().item()
print(f"accuracy {accuracy:.3f}")
assert accuracy > 0.8
