"""A wide network learns 90 noisy samples by heart."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)

x = torch.randn(1600, 20)
y = (x[:, :5].sum(1) + 1.5 * torch.randn(1600) > 0).long()
held_x, held_y = x[1200:], y[1200:]
x, y = x[:90], y[:90]  # expect: overfitting anywhere

model = nn.Sequential(nn.Linear(20, 128), nn.ReLU(), nn.Linear(128, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(80):
    order = torch.randperm(len(x))
    for i in range(0, len(x), 30):
        optimizer.zero_grad()
        loss = loss_fn(model(x[order[i : i + 30]]), y[order[i : i + 30]])
        loss.backward()
        optimizer.step()
    if epoch % 4 == 4 - 1:
        model.eval()
        with torch.no_grad():
            held = loss_fn(model(held_x), held_y)
        model.train()
        print(f"epoch {epoch}: training {loss.item():.3f}, held out {held.item():.3f}")
