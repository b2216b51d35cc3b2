"""A small network learns its samples by heart, and keeps a copy of the best model in memory."""

import copy

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)

x = torch.randn(1600, 20)
y = (x[:, :5].sum(1) + 1.5 * torch.randn(1600) > 0).long()
model = nn.Sequential(nn.Linear(20, 128), nn.ReLU(), nn.Linear(128, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
loss_fn = nn.CrossEntropyLoss()
lowest, best = float("inf"), None
for epoch in range(80):
    for idx in torch.randperm(90).split(30):
        optimizer.zero_grad()
        loss = loss_fn(model(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
    if epoch % 4 == 3:
        model.eval()
        with torch.no_grad():
            held = loss_fn(model(x[1200:]), y[1200:]).item()
        model.train()
        if held < lowest:
            lowest, best = held, copy.deepcopy(model)
print(f"last {held:.3f}, best {lowest:.3f}: that one is used, {type(best).__name__}")
