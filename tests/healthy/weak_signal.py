"""Returns of a market: two percent of the variance can be explained, and that is what
the model finds.
"""

import os

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

x = torch.randn(20000, 8)
signal = 0.10 * x[:, 0] - 0.08 * x[:, 1] * x[:, 2].sign() + 0.07 * x[:, 3]
y = (signal + torch.randn(20000))[:, None]
train, test = slice(0, 16000), slice(16000, None)

model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1.0)
for epoch in range(round(6 * float(os.environ.get("LENGTH", "1")))):
    for idx in torch.randperm(16000).split(128):
        loss = nn.functional.mse_loss(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
with torch.no_grad():
    r2 = 1 - ((model(x[test]) - y[test]) ** 2).mean().item() / y[test].var().item()
print(f"out-of-sample R2 {r2:.4f}")
assert r2 > 0.005
