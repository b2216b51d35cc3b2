"""The same with class weights in the loss."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
torch.set_num_threads(1)

y = (torch.rand(2000) < 0.03).long()
x = torch.randn(2000, 16) + 0.8 * y[:, None]
loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)

model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
counts = torch.bincount(y).float()
loss_fn = nn.CrossEntropyLoss(weight=counts.sum() / (2 * counts))
for epoch in range(6):
    for a, b in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(a), b)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
