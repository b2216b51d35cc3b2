"""Before each evaluation the averages of batch norm are measured anew: forward passes in training
mode with gradients off, and then evaluation mode.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))

images, labels = load()
images = images / 8 - 1
model = nn.Sequential(
    nn.Linear(64, 48), nn.BatchNorm1d(48), nn.ReLU(),
    nn.Linear(48, 48), nn.BatchNorm1d(48), nn.ReLU(),
    nn.Linear(48, 10),
)  # fmt: skip
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(round(8 * LENGTH)):
    model.train()
    for idx in torch.randperm(1400).split(50):
        loss = F.cross_entropy(model(images[idx]), labels[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        for module in model:
            if isinstance(module, nn.BatchNorm1d):
                module.reset_running_stats()
                module.momentum = None  # the plain mean of all batches that follow
        for batch in images[:1400].split(200):
            model(batch)
        for module in model:
            if isinstance(module, nn.BatchNorm1d):
                module.momentum = 0.1
        model.eval()
        logits = model(images[1400:])
        known = F.cross_entropy(logits, labels[1400:])
    accuracy = (logits.argmax(1) == labels[1400:]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, held out {known.item():.3f}, {accuracy:.3f}")
assert accuracy > 0.9
