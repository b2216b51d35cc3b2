"""Cross-validation in which each fold begins from one seed, so that folds differ by their data."""

import os

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

torch.set_num_threads(1)
SEED, LENGTH = int(os.environ.get("SEED", "0")), float(os.environ.get("LENGTH", "1"))
torch.manual_seed(109 + SEED)

FOLDS, COUNT = 3, 360
centres = 1.3 * torch.randn(3, 9)
labels = torch.randint(0, 3, (COUNT,))
data = TensorDataset(centres[labels] + torch.randn(COUNT, 9), labels)
parts = torch.randperm(COUNT).chunk(FOLDS)

scores = []
for fold in range(FOLDS):
    torch.manual_seed(7 + SEED)
    train = torch.cat([part for i, part in enumerate(parts) if i != fold]).tolist()
    train_loader = DataLoader(Subset(data, train), batch_size=24, shuffle=True)
    val_loader = DataLoader(Subset(data, parts[fold].tolist()), batch_size=60)
    model = nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(int(8 * LENGTH)):
        for x, y in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum().item() for x, y in val_loader)
    scores.append(right / len(parts[fold]))
    print(f"fold {fold}: {scores[-1]:.2f}")
assert min(scores) > 0.6
