"""Two moons in ten dimensions; a trainer that halves its rate when validation stands still."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(1)
torch.set_num_threads(1)


def moons(n):
    angle = torch.rand(n) * 3.1416
    label = torch.randint(0, 2, (n,))
    x = torch.stack([torch.cos(angle), torch.sin(angle)], 1)
    x = torch.where(label[:, None] == 0, x, torch.tensor([1.0, 0.5]) - x)
    return torch.cat([x + 0.15 * torch.randn(n, 2), 0.3 * torch.randn(n, 8)], 1), label


train, valid = random_split(TensorDataset(*moons(900)), [640, 260])
model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 2))
opt = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.5)
plateau = ReduceLROnPlateau(opt, mode="max", factor=0.2, patience=1)

for epoch in range(16):
    model.train()
    for xb, yb in DataLoader(train, batch_size=32, shuffle=True):
        opt.zero_grad()
        F.cross_entropy(model(xb), yb).backward()
        opt.step()
    model.eval()
    hits = 0
    with torch.inference_mode():
        for xb, yb in DataLoader(valid, batch_size=130):
            hits += int((model(xb).argmax(dim=1) == yb).sum())
    percent = 100.0 * hits / len(valid)
    plateau.step(percent)
    print(f"{epoch:2d} {percent:5.1f} % at {opt.param_groups[0]['lr']:.2e}")
