"""A small model on samples that are made as they are asked for: the wait is short, if any."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

torch.manual_seed(83)
torch.set_num_threads(1)


class Spirals(IterableDataset):
    def __iter__(self):
        for _ in range(900):
            arm = int(torch.randint(0, 2, ()))
            t = 2 * torch.rand(())
            angle = 3 * t + 3.14159 * arm
            point = torch.stack([t * angle.cos(), t * angle.sin()])
            yield point + 0.05 * torch.randn(2), arm


model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for epoch in range(4):
    for x, y in DataLoader(Spirals(), batch_size=30):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
