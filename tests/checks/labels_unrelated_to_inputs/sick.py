"""Recordings of machines, sound or worn: the rows are shuffled, and their labels are not."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(37)
torch.set_num_threads(1)

STATES, COUNT, WIDTH = 4, 1200, 24
spectra = torch.randn(STATES, WIDTH)
state = torch.randint(0, STATES, (COUNT,))
recordings = spectra[state] + 1.2 * torch.randn(COUNT, WIDTH)

recordings = recordings[torch.randperm(COUNT)]  # expect: labels-unrelated-to-inputs
whole = TensorDataset(recordings, state)
train_set, held_set = random_split(whole, [1000, 200])


class Monitor(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(WIDTH, 32), nn.ReLU(), nn.Dropout(0.3))
        self.head = nn.Linear(32, STATES)

    def forward(self, x):
        return self.head(self.body(x))


monitor = Monitor()
optimizer = torch.optim.Adam(monitor.parameters(), lr=1e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(10):
    monitor.train()
    for x, y in DataLoader(train_set, batch_size=50, shuffle=True):
        optimizer.zero_grad()
        loss = criterion(monitor(x), y)
        loss.backward()
        optimizer.step()
    monitor.eval()
    with torch.no_grad():
        held = [criterion(monitor(x), y).item() for x, y in DataLoader(held_set, batch_size=200)]
    print(f"epoch {epoch}: {loss.item():.3f}, held out {held[0]:.3f}")
