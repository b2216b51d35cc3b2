"""Three folds, and so three models and three optimizers one after another in one process, each
judged after every epoch on the part that it has not seen.
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
folds = torch.randperm(len(images)).chunk(3)
scores = []
for number, held in enumerate(folds):
    rest = torch.cat([fold for other, fold in enumerate(folds) if other != number])
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(round(7 * LENGTH)):
        model.train()
        for idx in rest[torch.randperm(len(rest))].split(50):
            loss = F.cross_entropy(model(images[idx]), labels[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits = model(images[held])
            known = F.cross_entropy(logits, labels[held])
    scores.append((logits.argmax(1) == labels[held]).float().mean().item())
    print(f"fold {number}: held out {known.item():.3f}, accuracy {scores[-1]:.3f}")
assert min(scores) > 0.85
