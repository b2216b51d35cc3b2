"""Sixteen samples fit into memory, so nothing is accumulated, and the norm has enough of them."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(6)
torch.set_num_threads(1)
ACCUMULATE = 1


class Net(nn.Module):
    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.fc1 = nn.Linear(inputs, hidden)
        self.bn1 = nn.BatchNorm1d(hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.bn2 = nn.BatchNorm1d(hidden)
        self.fc3 = nn.Linear(hidden, outputs)

    def forward(self, x):
        x = torch.relu(self.bn1(self.fc1(x)))
        x = torch.relu(self.bn2(self.fc2(x)))
        return self.fc3(x)


inputs = torch.randn(1200, 16)
labels = (inputs[:, :4].sum(1) > 0).long() + (inputs[:, 4:8].sum(1) > 0).long()
train_loader = DataLoader(TensorDataset(inputs[:1000], labels[:1000]), batch_size=16, shuffle=True)
model = Net(16, 32, 3)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(4):
    model.train()
    total = 0.0
    for step, (x, y) in enumerate(train_loader, 1):
        loss = criterion(model(x), y) / ACCUMULATE
        loss.backward()
        total += loss.item()
        if step % ACCUMULATE == 0:
            optimizer.step()
            optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        right = (model(inputs[1000:]).argmax(1) == labels[1000:]).float().mean().item()
    print(f"epoch {epoch}: loss {total * ACCUMULATE / len(train_loader):.3f}, accuracy {right:.3f}")
