"""Gradients of five batches are added up before each step, and the last two of an epoch as well.

Each batch counts by its share of the samples of its group, so that the short last group is a mean
over its own samples too.
"""

import os

import torch
from torch import nn

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

images, labels = load()
images = (images - images.mean()) / images.std()
model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
criterion = nn.CrossEntropyLoss(reduction="sum")
for epoch in range(round(10 * float(os.environ.get("LENGTH", "1")))):
    groups = torch.randperm(1360).split(160)
    for group in groups:
        optimizer.zero_grad()
        for rows in group.split(32):
            loss = criterion(model(images[rows]), labels[rows]) / len(group)
            loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
accuracy = (model(images[1400:]).argmax(1) == labels[1400:]).float().mean().item()
print(f"{len(groups)} groups, the last of {len(groups[-1])} samples, accuracy {accuracy:.3f}")
assert accuracy > 0.85
