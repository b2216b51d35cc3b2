"""Rare faults of a pump are to be drawn more often; the sampler is given each sample's weight."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

torch.manual_seed(53)
torch.set_num_threads(1)

y = torch.multinomial(torch.tensor([0.85, 0.1, 0.05]), 800, replacement=True)
x = 1.5 * torch.randn(3, 10)[y] + torch.randn(800, 10)
data = TensorDataset(x, y)

class_weights = 1.0 / torch.bincount(y, minlength=3)
sampler = WeightedRandomSampler(class_weights[y], num_samples=len(data))
loader = DataLoader(data, batch_size=32, sampler=sampler)

model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    for inputs, labels in loader:
        loss = F.cross_entropy(model(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = (model(x).argmax(1) == y).float().mean()
    print(f"epoch {epoch}: {loss.item():.3f}, right {right:.2f}")
