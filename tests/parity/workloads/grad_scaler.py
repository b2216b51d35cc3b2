import torch
import torch.nn.functional as F
from fingerprint import DEVICE, digits, seed, show
from torch import nn

seed()
X, Y = digits()
losses = []

model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scaler = torch.amp.GradScaler(DEVICE, init_scale=2.0**10, growth_interval=10)
for step in range(60):
    inputs = X * (float("inf") if step % 13 == 5 else 1.0)  # these steps are skipped
    loss = F.cross_entropy(model(inputs), Y)
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    scaler.step(optimizer)
    scaler.update()
    losses += [loss.item(), scaler.get_scale()]
show(losses, model)
