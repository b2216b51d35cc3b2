"""Tiny pictures of bars, a convolution with batch norm, and a class that keeps an average."""

import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
torch.set_num_threads(1)


class EMA:
    def __init__(self, model, decay=0.97):
        self.decay, self.model = decay, copy.deepcopy(model)
        for p in self.model.parameters():
            p.requires_grad = False

    def update(self, model):
        with torch.no_grad():
            for average, p in zip(self.model.parameters(), model.parameters()):
                average.mul_(self.decay).add_(p.data, alpha=1 - self.decay)


def bars(n):
    upright = torch.randint(0, 2, (n,))
    picture = 0.5 * torch.randn(n, 1, 8, 8) + 2.0
    for i, at in enumerate(torch.randint(1, 7, (n,))):
        picture[i, 0, :, at] += 1.5 * upright[i]
        picture[i, 0, at, :] += 1.5 * (1 - upright[i])
    return TensorDataset(picture, upright)


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        right = 0
        for a, b in loader:
            guess = model(a).argmax(1)  # expect: average-without-buffers
            right += (guess == b).sum().item()
    return right / len(loader.dataset)


net = nn.Sequential(
    nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(8, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2),
)  # fmt: skip
ema = EMA(net)
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
train = DataLoader(bars(480), batch_size=24, shuffle=True)
valid = DataLoader(bars(160), batch_size=40)
for epoch in range(5):
    net.train()
    for a, b in train:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(a), b).backward()
        optimizer.step()
        ema.update(net)
    print(f"epoch {epoch}: average {accuracy(ema.model, valid):.3f}")
