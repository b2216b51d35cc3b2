import torch
import torch.nn.functional as F
from fingerprint import digits, seed, show
from torch import nn

seed()
X, Y = digits()
losses = []

model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 3))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for step in range(120):
    optimizer.zero_grad()
    index = torch.randint(0, 128, (16,))
    loss = F.cross_entropy(model(X[index]), Y[index])
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    losses.append(loss.item())
    if step % 30 == 0:
        model.eval()
        with torch.no_grad():
            losses.append(F.cross_entropy(model(X), Y).item())
        model.train()
show(losses, model)
