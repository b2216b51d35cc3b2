"""A deep highway network: sigmoid gates that begin almost shut (bias -2), so that at first a block
passes its input through, and dropout between blocks.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))


class Highway(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.value, self.gate = nn.Linear(width, width), nn.Linear(width, width)
        nn.init.constant_(self.gate.bias, -2.0)
        self.tanh, self.sigmoid, self.drop = nn.Tanh(), nn.Sigmoid(), nn.Dropout(0.1)

    def forward(self, x):
        share = self.sigmoid(self.gate(x))
        return self.drop(share * self.tanh(self.value(x)) + (1 - share) * x)


images, labels = load()
images = images / 8 - 1
model = nn.Sequential(nn.Linear(64, 48), *[Highway(48) for _ in range(8)], nn.Linear(48, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(round(8 * LENGTH)):
    model.train()
    for idx in torch.randperm(1400).split(50):
        loss = F.cross_entropy(model(images[idx]), labels[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits = model(images[1400:])
        known = F.cross_entropy(logits, labels[1400:])
    accuracy = (logits.argmax(1) == labels[1400:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, held out {known.item():.3f}, {accuracy:.3f}")
assert accuracy > 0.85
