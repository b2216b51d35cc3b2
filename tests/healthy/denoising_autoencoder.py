"""Pictures from 0 to 1 are learnt with as much noise as they have contrast, and tested without."""

import os

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED, LENGTH = int(os.environ.get("SEED", "0")), float(os.environ.get("LENGTH", "1"))
torch.manual_seed(103 + SEED)
torch.set_num_threads(1)

SIZE = 8
across, down = torch.meshgrid(
    torch.linspace(-1, 1, SIZE), torch.linspace(-1, 1, SIZE), indexing="xy"
)


def bumps(count):
    at, width = 1.4 * torch.rand(count, 2, 1, 1) - 0.7, 0.2 + 0.4 * torch.rand(count, 1, 1)
    return torch.exp(-((across - at[:, 0]) ** 2 + (down - at[:, 1]) ** 2) / width).unsqueeze(1)


train_loader = DataLoader(TensorDataset(bumps(600)), batch_size=40, shuffle=True)
test_loader = DataLoader(TensorDataset(bumps(200)), batch_size=100)

net = nn.Sequential(
    nn.Flatten(), nn.Linear(SIZE * SIZE, 32), nn.ReLU(), nn.Linear(32, SIZE * SIZE),
    nn.Unflatten(1, (1, SIZE, SIZE)),
)  # fmt: skip
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
loss_fn = nn.MSELoss()
for epoch in range(int(10 * LENGTH)):
    net.train()
    for (clean,) in train_loader:
        noisy = clean + 0.3 * torch.randn_like(clean)
        optimizer.zero_grad()
        loss = loss_fn(net(noisy), clean)
        loss.backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        held = sum(loss_fn(net(clean), clean).item() for (clean,) in test_loader) / len(test_loader)
    print(f"epoch {epoch}: {loss.item():.4f}, without noise {held:.4f}")
assert held < 0.03
