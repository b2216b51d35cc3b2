"""A small convolutional network with squeeze-and-excitation: a sigmoid for each channel, driven by
the mean over the picture, and batch norm.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))


class Excite(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.score = nn.Sequential(
            nn.Linear(width, 4),
            nn.ReLU(),
            nn.Linear(4, width),
            nn.Sigmoid(),
            nn.Unflatten(1, (width, 1, 1)),
        )

    def forward(self, x):
        return x * self.score(x.mean((2, 3)))


images, labels = load()
images = (images / 8 - 1).view(-1, 1, 8, 8)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), Excite(16),
    nn.Conv2d(16, 16, 3, stride=2), nn.BatchNorm2d(16), nn.ReLU(), Excite(16),
    nn.Flatten(), nn.Linear(144, 10),
)  # fmt: skip
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(round(7 * LENGTH)):
    model.train()
    for idx in torch.randperm(1400).split(50):
        loss = F.cross_entropy(model(images[idx]), labels[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.inference_mode():
        logits = model(images[1400:])
        known = F.cross_entropy(logits, labels[1400:])
    accuracy = (logits.argmax(1) == labels[1400:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, held out {known.item():.3f}, {accuracy:.3f}")
assert accuracy > 0.9
