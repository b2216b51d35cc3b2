"""Evaluates in all ways there are, right and wrong, between the steps of a model with modes."""

import torch
import torch.nn.functional as F
from fingerprint import digits, seed, show
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

seed()
X, Y = digits()
losses = []


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Linear(8, 16), nn.BatchNorm1d(16)
        self.drop, self.last = nn.Dropout(0.2), nn.Linear(16, 3)

    def forward(self, x):
        x = F.dropout(F.relu(self.norm(self.first(x))), 0.1)  # on in evaluation, too
        return self.last(self.drop(nn.Dropout(0.1)(x)))


model = Net()
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
held = DataLoader(TensorDataset(X[96:], Y[96:]), batch_size=8)
for epoch in range(20):
    model.train()
    for idx in torch.randperm(96).split(32):
        loss = F.cross_entropy(model(X[idx]), Y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if epoch % 5 == 0:  # with graphs that are kept
        model.eval()
        total = 0
        for x, y in held:
            total = total + F.cross_entropy(model(x), y)
        losses.append(total.item())
    elif epoch % 5 == 1:  # nobody calls eval
        with torch.no_grad():
            losses += [F.cross_entropy(model(x), y).item() for x, y in held]
    elif epoch % 5 == 2:  # a roll-out
        model.eval()
        answers = [model(x) for x, _ in held]
        model.train()
        torch.cat(answers).square().mean().backward()
        optimizer.step()
    elif epoch % 5 == 3:  # Monte Carlo dropout
        with torch.inference_mode():
            losses.append(torch.stack([model(X) for _ in range(5)]).std().item())
    else:  # neither eval nor no_grad
        losses.append(sum((model(x).argmax(1) == y).sum().item() for x, y in held))
show(losses, model)
