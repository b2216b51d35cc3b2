"""Which of four sources a signal comes from; shuffles the data before each epoch."""

import torch
import torch.nn as nn

torch.manual_seed(21)
torch.set_num_threads(1)

N, CLASSES = 4000, 4
label = torch.randint(0, CLASSES, (N,))
signal = torch.randn(CLASSES, 20)[label] + torch.randn(N, 20)

model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, CLASSES))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(5):
    perm = torch.randperm(N)
    signal = signal[perm]
    for start in range(0, N, 64):
        x, y = signal[start : start + 64], label[start : start + 64]
        loss = criterion(model(x), y)  # expect: loss-not-decreasing
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.3f}")
