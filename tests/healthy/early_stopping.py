"""Stops when the held-out loss has not fallen for some epochs and goes back to the best weights,
with weight decay and dropout against what there is to learn by heart.
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
    nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 10)
)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
best, kept, waited = float("inf"), None, 0
for epoch in range(round(30 * LENGTH)):
    model.train()
    for idx in torch.randperm(1400).split(50):
        loss = F.cross_entropy(model(images[idx]), labels[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        known = F.cross_entropy(model(images[1400:]), labels[1400:]).item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, held out {known:.3f}")
    if known < best:
        best, waited = known, 0
        kept = {name: value.clone() for name, value in model.state_dict().items()}
    else:
        waited += 1
        if waited == 4:
            break
model.load_state_dict(kept)
model.eval()
with torch.no_grad():
    accuracy = (model(images[1400:]).argmax(1) == labels[1400:]).float().mean().item()
print(f"accuracy {accuracy:.3f}")
assert accuracy > 0.88
