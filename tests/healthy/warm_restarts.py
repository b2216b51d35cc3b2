"""Cosine annealing with warm restarts: the rate jumps up again, the loss with it, and both fall;
the weights at the end of each cycle are kept and vote.
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
    nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-3)
cycle = 4 * 28
schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, cycle)
votes = []
for epoch in range(round(12 * LENGTH)):
    model.train()
    for idx in torch.randperm(1400).split(50):
        loss = F.cross_entropy(model(images[idx]), labels[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()
    with torch.no_grad():
        logits = model(images[1400:])
        known = F.cross_entropy(logits, labels[1400:])
    if epoch % 4 == 3:
        votes.append(logits.softmax(1))
    print(f"epoch {epoch}: loss {loss.item():.3f}, held out {known.item():.3f}")
accuracy = (sum(votes).argmax(1) == labels[1400:]).float().mean().item()
print(f"{len(votes)} snapshots: {accuracy:.3f}")
assert accuracy > 0.88
