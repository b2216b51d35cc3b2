"""The rate is written into the optimizer at each step: a warm-up, a plain stretch, and a long tail
at a fiftieth that anneals; then a second stage whose rate rises anew.
"""

import os

import torch
from torch import nn

seed, length = int(os.environ.get("SEED", "0")), float(os.environ.get("LENGTH", "1"))
torch.manual_seed(seed)
torch.set_num_threads(1)

x = torch.rand(1500, 8) * 2 - 1
y = (x[:, :2].square().sum(1) < 0.5).long()
model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-9)
TOTAL = max(int(500 * length), 120)


def rate(step, total, peak):
    if step < total // 20:
        return peak * (step + 1) / (total // 20)
    if step < total // 2:
        return peak
    return peak * 0.02


for stage, peak in enumerate((4e-3, 2e-3)):
    for step in range(TOTAL // 2):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, TOTAL // 2, peak)
        rows = torch.randint(0, 1500, (50,))
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        whole = nn.functional.cross_entropy(model(x), y).item()
    print(f"stage {stage}: {whole:.4f}")
assert whole < 0.45
