"""Micro-batches of 8, accumulated to 32: small statistics, and enough. The last batch of an epoch
has three samples. A pretrained norm is frozen and sees batches of any size.
"""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(13)
torch.set_num_threads(1)

images = torch.randn(803, 1, 8, 8)
labels = (images[:, 0, :4].mean((1, 2)) > images[:, 0, 4:].mean((1, 2))).long()
pretrained = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6))
with torch.no_grad():
    for _ in range(60):
        pretrained(images[torch.randint(0, 800, (64,))])


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = pretrained.requires_grad_(False)
        self.body = nn.Sequential(
            nn.Conv2d(6, 12, 3, stride=2, padding=1), nn.BatchNorm2d(12), nn.ReLU()
        )
        self.fc = nn.Linear(12 * 16, 32)
        self.bn = nn.BatchNorm1d(32)
        self.out = nn.Linear(32, 2)

    def train(self, mode=True):
        super().train(mode)
        self.stem.eval()
        return self

    def forward(self, x):
        x = self.body(torch.relu(self.stem(x))).flatten(1)
        return self.out(torch.relu(self.bn(self.fc(x))))


model = Model().train()
optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.05)
for epoch in range(4):
    for number, idx in enumerate(torch.randperm(len(images)).split(8), 1):
        loss = F.cross_entropy(model(images[idx]), labels[idx])
        (loss / 4).backward()
        if number % 4 == 0:
            optimizer.step()
            optimizer.zero_grad()
    optimizer.zero_grad()
    model.eval()
    with torch.no_grad():
        accuracy = (model(images).argmax(1) == labels).float().mean().item()
    model.train()
    print(f"epoch {epoch}: {loss.item():.3f}, accuracy {accuracy:.3f}")
