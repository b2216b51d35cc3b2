"""What a reader of digits has learnt of ten classes is asked about two, by a new head alone."""

import torch
from torch import nn

from assay.demo.digits import load

torch.manual_seed(0)
torch.set_num_threads(1)

images, digits = load()
images = images / 8 - 1
parity = digits % 2


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(64, 48), nn.Tanh())
        self.block = nn.Sequential(nn.Linear(48, 6), nn.Tanh())
        self.head = nn.Linear(6, 10)

    def forward(self, x):
        return self.head(self.block(self.stem(x)))


def train(model, optimizer, labels, epochs):
    for epoch in range(epochs):
        for rows in torch.randperm(1500).split(50):
            loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: {loss.item():.3f}")


reader = Reader()
train(reader, torch.optim.Adam(reader.parameters(), lr=2e-3), digits, 3)

reader.stem.requires_grad = False  # expect: freeze-without-effect
reader.head = nn.Linear(6, 2)
train(reader, torch.optim.Adam(reader.parameters(), lr=5e-3), parity, 6)
