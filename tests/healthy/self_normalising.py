"""A self-normalising network: SELU, weights of variance 1/n, AlphaDropout, no norm layer."""

import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))

images, labels = load()
images = (images - images.mean()) / images.std()
layers = []
for _ in range(6):
    layers += [nn.Linear(64, 64), nn.SELU(), nn.AlphaDropout(0.05)]
model = nn.Sequential(*layers, nn.Linear(64, 10))
for module in model:
    if isinstance(module, nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
        nn.init.zeros_(module.bias)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
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
