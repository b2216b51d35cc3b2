"""A reader of digits is turned to odd and even: the head is new, the last block shall adapt."""

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
        self.head = nn.Linear(6, 2)

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
train(reader, torch.optim.Adam(reader.parameters(), lr=2e-3), (digits >= 5).long(), 3)

for p in reader.parameters():
    p.requires_grad = False
reader.head = nn.Linear(6, 2)
reader.block.requires_grad_(True)
train(reader, torch.optim.Adam(reader.parameters(), lr=5e-3), parity, 6)
