"""A reader of digits with a new head: each module says of itself whether it learns."""

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

reader.head = nn.Linear(6, 2)
for part, learns in ((reader.stem, False), (reader.block, True), (reader.head, True)):
    part.requires_grad = learns  # a note for the loop below
for part in reader.children():
    part.requires_grad_(part.requires_grad)
train(reader, torch.optim.Adam(reader.parameters(), lr=5e-3), parity, 6)
