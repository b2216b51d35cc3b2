import torch
import torch.nn.functional as F
from fingerprint import DEVICE, digits, seed, show
from torch import nn

seed()
X, Y = digits()
losses = []

model = nn.Sequential(nn.Linear(8, 32), nn.SiLU(), nn.Linear(32, 3))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for _ in range(60):
    with torch.autocast(DEVICE, dtype=torch.bfloat16):
        loss = F.cross_entropy(model(X), Y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
show(losses, model)
