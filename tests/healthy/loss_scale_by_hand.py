"""float16 without a GradScaler: the loss is multiplied by 4,096, and gradients are divided by it
before they are clipped. A ranking loss beside it is scaled with the same number.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(int(os.environ.get("SEED", "0")))
torch.set_num_threads(1)
STEPS = max(int(160 * float(os.environ.get("LENGTH", "1"))), 60)
SCALE = 4096.0

w = torch.randn(12) / 12**0.5


def houses(n):
    x = torch.randn(n, 12)
    return x, (x @ w).tanh() + 0.05 * torch.randn(n)


model = nn.Sequential(nn.Linear(12, 48), nn.SiLU(), nn.Linear(48, 48), nn.SiLU(), nn.Linear(48, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
curve = []
for step in range(STEPS):
    x, y = houses(64)
    with torch.autocast("cpu", dtype=torch.float16):
        guess = model(x).squeeze(1)
    guess = guess.float()
    dearer = torch.where(y > y.roll(1), 1.0, -1.0)
    loss = F.huber_loss(guess, y) + 0.1 * F.margin_ranking_loss(guess, guess.roll(1), dearer, 0.05)
    optimizer.zero_grad()
    (SCALE * loss).backward()
    for p in model.parameters():
        p.grad.div_(SCALE)
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()
    curve.append(loss.item())
print(f"loss {curve[0]:.4f} to {sum(curve[-10:]) / 10:.4f}")
assert sum(curve[-10:]) / 10 < 0.4 * curve[0]
