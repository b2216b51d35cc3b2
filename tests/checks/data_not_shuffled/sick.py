"""Sensor windows of five machines, stored machine by machine, as the files were read."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(12)
torch.set_num_threads(1)

CLASSES, PER_CLASS = 5, 480
profile = 0.6 * torch.randn(CLASSES, 16)
windows, machine = [], []
for c in range(CLASSES):
    windows.append(profile[c] + torch.randn(PER_CLASS, 16))
    machine += [c] * PER_CLASS
dataset = TensorDataset(torch.cat(windows), torch.tensor(machine))

train = DataLoader(dataset, batch_size=32)  # expect: data-not-shuffled
model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, CLASSES))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
criterion = nn.CrossEntropyLoss()

for epoch in range(4):
    running = 0.0
    for x, y in train:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        running += loss.item()
    model.eval()
    with torch.no_grad():
        overall = sum(criterion(model(x), y).item() for x, y in train)
    model.train()
    print(f"epoch {epoch}: loss {running / len(train):.3f}, then {overall / len(train):.3f}")
