"""A recurrent net that tells which of two tones came first in a noisy recording."""

import torch
from torch import nn

torch.manual_seed(3)
torch.set_num_threads(1)


class Listener(nn.Module):
    def __init__(self, channels=6, width=24):
        super().__init__()
        self.memory = nn.GRU(channels, width)  # expect: samples-mixed
        self.verdict = nn.Linear(width, 2)

    def forward(self, recording):
        heard, _ = self.memory(recording)
        return self.verdict(heard[:, -1])


def recordings(count, length=20):
    waves = 0.3 * torch.randn(count, length, 6)
    when = torch.rand(count, length).argsort(dim=1)[:, :2]
    everyone = torch.arange(count)
    waves[everyone, when[:, 0], 0] += 3
    waves[everyone, when[:, 1], 1] += 3
    return waves, (when[:, 0] < when[:, 1]).long()


waves, first = recordings(800)
model = Listener()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
loss_of = nn.CrossEntropyLoss()

for epoch in range(8):
    for rows in torch.randperm(len(waves)).split(32):
        loss = loss_of(model(waves[rows]), first[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
