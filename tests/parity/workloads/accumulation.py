import torch
import torch.nn.functional as F
from fingerprint import digits, seed, show
from torch import nn

seed()
X, Y = digits()
losses = []

model = nn.Sequential(nn.Linear(8, 24), nn.ELU(), nn.Dropout(0.2), nn.Linear(24, 3))
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.05)
for _ in range(40):
    optimizer.zero_grad()
    for part in torch.randperm(128)[:32].split(8):
        loss = F.nll_loss(F.log_softmax(model(X[part]), 1), Y[part]) / 4
        loss.backward()
        losses.append(loss.item())
    optimizer.step()
show(losses, model)
