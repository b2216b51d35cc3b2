"""Two percent positives: weighted binary loss, biased last layer, judged by recall and not by
accuracy.
"""

import math
import os

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

n = 6000
x = torch.randn(n, 10)
score = x[:, 0] * 1.5 + x[:, 1] * x[:, 2] + 0.3 * torch.randn(n)
y = (score > score.quantile(0.98)).float()
train, test = slice(0, 4500), slice(4500, n)

model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
share = y[train].mean().item()
nn.init.constant_(model[2].bias, math.log(share / (1 - share)) + math.log(10))
criterion = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(10.0))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
for epoch in range(round(12 * float(os.environ.get("LENGTH", "1")))):
    order = torch.randperm(4500)
    for idx in order.split(128):
        loss = criterion(model(x[idx]).squeeze(1), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    found = model(x[test]).squeeze(1) > 0
recall = (found & (y[test] > 0)).sum() / y[test].sum()
alarms = found.float().mean()
print(f"recall {recall:.2f}, flagged {alarms:.3f} of all")
assert recall > 0.6
assert alarms < 0.15
