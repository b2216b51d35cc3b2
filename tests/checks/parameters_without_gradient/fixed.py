"""Which of four melodies? Notes are embedded, attended to and pooled; attention is plotted."""

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(12)
torch.set_num_threads(1)


class Pool(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.score = nn.Linear(size, 1)
        self.seen = None

    def forward(self, notes):
        weights = self.score(notes).softmax(1)
        self.seen = weights.detach()
        return (weights * notes).sum(1)


class Melody(nn.Module):
    def __init__(self):
        super().__init__()
        self.notes = nn.Embedding(12, 16)
        self.pool = Pool(16)
        self.out = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 4))

    def forward(self, x):
        return self.out(self.pool(self.notes(x)))


melody = torch.randint(0, 4, (1280,))
tunes = torch.randint(0, 12, (1280, 10))
tunes[torch.arange(1280), torch.randint(0, 10, (1280,))] = melody * 3
loader = DataLoader(TensorDataset(tunes, melody), batch_size=64, shuffle=True)
net, criterion = Melody(), nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(6):
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}, attention up to {net.pool.seen.max():.2f}")
