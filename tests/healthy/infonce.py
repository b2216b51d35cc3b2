"""Contrastive learning as in CLIP: the right answer of row i is column i, so the labels are always
0, 1, 2 ...
"""

import math
import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
STEPS = round(300 * float(os.environ.get("LENGTH", "1")))


class TwoTowers(nn.Module):
    """One tower reads the upper half of a digit, the other the lower half."""

    def __init__(self, dim=24):
        super().__init__()
        self.upper = nn.Sequential(nn.Linear(32, 96), nn.GELU(), nn.Linear(96, dim))
        self.lower = nn.Sequential(nn.Linear(32, 96), nn.GELU(), nn.Linear(96, dim))
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def forward(self, a, b):
        a, b = F.normalize(self.upper(a), dim=-1), F.normalize(self.lower(b), dim=-1)
        return self.logit_scale.exp().clamp(max=100) * a @ b.T


images, _ = load()
images = (images - 5) / 6
model = TwoTowers()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.02)
for step in range(STEPS):
    batch = images[torch.randint(1500, (64,))]
    logits = model(batch[:, :32], batch[:, 32:])
    truth = torch.arange(len(batch))
    loss = (F.cross_entropy(logits, truth) + F.cross_entropy(logits.T, truth)) / 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(f"{step}: loss {loss.item():.3f}")

with torch.no_grad():
    held_out = images[1500:1564]
    ranks = model(held_out[:, :32], held_out[:, 32:]).argsort(1, descending=True)
top5 = (ranks[:, :5] == torch.arange(64)[:, None]).any(1).float().mean().item()
print("right half among the five best:", top5)
assert top5 > 0.3
