"""LeCun's tanh of 1998, 1.7159 tanh(2x/3), in a network of five layers with targets of plus and
minus one and a squared loss.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))


class ScaledTanh(nn.Module):
    def __init__(self):
        super().__init__()
        self.tanh = nn.Tanh()

    def forward(self, x):
        return 1.7159 * self.tanh(2 * x / 3)


images, labels = load()
images = (images - images.mean()) / images.std()
targets = 2 * F.one_hot(labels, 10).float() - 1
layers = []
for _ in range(4):
    layers += [nn.Linear(64, 64), ScaledTanh()]
model = nn.Sequential(*layers, nn.Linear(64, 10))
for module in model:
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=64**-0.5)
        nn.init.zeros_(module.bias)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for epoch in range(round(8 * LENGTH)):
    for idx in torch.randperm(1400).split(50):
        loss = F.mse_loss(model(images[idx]), targets[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        answers = model(images[1400:])
        known = F.mse_loss(answers, targets[1400:])
    accuracy = (answers.argmax(1) == labels[1400:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, held out {known.item():.3f}, {accuracy:.3f}")
assert accuracy > 0.85
