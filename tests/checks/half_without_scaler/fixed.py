"""Half precision with a loss scale."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
torch.set_num_threads(1)

x = torch.randn(1200, 24)
y = torch.bucketize((x[:, :6] ** 2).sum(1), torch.tensor([3.5, 5.5, 7.5]))

model = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
scaler = torch.amp.GradScaler("cpu")
for epoch in range(8):
    order = torch.randperm(1200)
    for i in range(0, 1200, 50):
        rows = order[i : i + 50]
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            loss = F.cross_entropy(model(x[rows]), y[rows])
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    print(f"epoch {epoch}: {loss.item():.4f}")
