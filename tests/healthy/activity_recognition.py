"""Labels for every moment of a recording, one recording to a step: labels of a batch are alike
because life is, not because anybody forgot to shuffle.
"""

import os

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
ACTIVITIES = 5


class Recordings(Dataset):
    """Acceleration in three axes; a person does one thing, and perhaps then another."""

    def __init__(self, n):
        rate = torch.tensor([0.3, 0.8, 1.3, 2.0, 2.7])
        self.items = []
        for _ in range(n):
            doing = torch.randint(ACTIVITIES, (2,))
            change = torch.randint(40, 90, ()).item()
            y = torch.where(torch.arange(60) < change, doing[0], doing[1])
            phase = torch.cumsum(rate[y], 0)[:, None] + torch.tensor([0.0, 1.0, 2.0])
            self.items.append((torch.sin(phase) + 0.2 * torch.randn(60, 3), y))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 32, batch_first=True, bidirectional=True)
        self.out = nn.Linear(64, ACTIVITIES)

    def forward(self, x):
        return self.out(self.lstm(x)[0])


train, test = Recordings(120), Recordings(30)
model = Tagger()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(round(4 * float(os.environ.get("LENGTH", "1")))):
    for x, y in DataLoader(train, batch_size=1, shuffle=True):
        optimizer.zero_grad()
        loss = criterion(model(x).view(-1, ACTIVITIES), y.view(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
with torch.no_grad():
    right = [(model(x).argmax(-1) == y).float().mean() for x, y in DataLoader(test)]
accuracy = (sum(right) / len(right)).item()
print(f"moments labelled right: {accuracy:.3f}")
assert accuracy > 0.8
