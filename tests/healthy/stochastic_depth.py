"""A residual MLP that skips whole blocks at random while training; skipped blocks get no gradient
that step.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))


class Block(nn.Module):
    def __init__(self, dim, survival):
        super().__init__()
        self.survival = survival
        self.norm = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, 2 * dim)
        self.fc2 = nn.Linear(2 * dim, dim)
        nn.init.zeros_(self.fc2.weight)  # each block starts as the identity

    def forward(self, x):
        if self.training and torch.rand(()) > self.survival:
            return x
        branch = self.fc2(F.gelu(self.fc1(self.norm(x))))
        return x + (branch / self.survival if self.training else branch)


images, labels = load()
images = images / 8 - 1
model = nn.Sequential(
    nn.Linear(64, 48), *[Block(48, 1 - 0.08 * i) for i in range(6)], nn.Linear(48, 10)
)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
for epoch in range(round(8 * float(os.environ.get("LENGTH", "1")))):
    model.train()
    for idx in torch.randperm(1400).split(50):
        loss = F.cross_entropy(model(images[idx]), labels[idx])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(images[1400:]).argmax(1) == labels[1400:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, accuracy {accuracy:.3f}")
assert accuracy > 0.85
