"""A classifier with dropout and batch norm: accuracy on the test set, in evaluation mode."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
torch.set_num_threads(1)


def blobs(n):
    label = torch.randint(0, 5, (n,))
    corner = torch.tensor([[2.0, 0], [-2, 0], [0, 2], [0, -2], [0, 0]])
    noise = torch.randn(n, 16)
    noise[:, :2] += corner[label]
    return TensorDataset(noise, label)


class MLP(nn.Module):
    def __init__(self, hidden=48, p=0.4):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(16, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(p),
            nn.Linear(hidden, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(p),
            nn.Linear(hidden, 5),
        )  # fmt: skip

    def forward(self, x):
        return self.net(x)


def accuracy(model, loader):
    model.eval()
    correct = total = 0
    with torch.no_grad():
        for x, y in loader:
            predicted = model(x).argmax(dim=1)
            correct += (predicted == y).sum().item()
            total += y.size(0)
    return correct / total


train_loader = DataLoader(blobs(1000), batch_size=50, shuffle=True)
test_loader = DataLoader(blobs(300), batch_size=50)
model = MLP()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    running = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        running += loss.item()
    print(f"epoch {epoch}: loss {running / len(train_loader):.3f}")
print(f"test accuracy: {accuracy(model, test_loader):.3f}")
