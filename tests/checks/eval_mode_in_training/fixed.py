"""Image classifier with dropout and batch norm; validates after each epoch."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
torch.set_num_threads(1)


class SmallCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.3)
        self.fc = nn.Linear(8 * 16, 4)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn(self.conv(x))), 2)
        return self.fc(self.drop(x.flatten(1)))


def evaluate(model, loader):
    model.eval()
    correct = total = 0
    with torch.no_grad():
        for images, labels in loader:
            correct += (model(images).argmax(1) == labels).sum().item()
            total += len(labels)
    return correct / total


def quadrants(n):
    labels = torch.randint(0, 4, (n,))
    images = 0.6 * torch.randn(n, 1, 8, 8)
    for k in range(n):
        r, c = divmod(labels[k].item(), 2)
        images[k, 0, 4 * r : 4 * r + 4, 4 * c : 4 * c + 4] += 0.7
    return TensorDataset(images, labels)


train_loader = DataLoader(quadrants(800), batch_size=50, shuffle=True)
val_loader = DataLoader(quadrants(200), batch_size=100)
model = SmallCNN()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(4):
    model.train()
    for images, labels in train_loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.3f} accuracy {evaluate(model, val_loader):.3f}")
