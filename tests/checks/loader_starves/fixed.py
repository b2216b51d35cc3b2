"""Each sample is read from a slow store once, before training, and kept."""

import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(79)
torch.set_num_threads(1)


class Store(Dataset):
    def __init__(self, count=200):
        self.x = torch.randn(count, 8)
        self.y = self.x[:, :1] - self.x[:, 1:2]
        time.sleep(0.004 * count)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index], self.y[index]


loader = DataLoader(Store(), batch_size=10, shuffle=True)
model = nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(3):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
