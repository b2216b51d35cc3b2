"""Pseudo-labels: at each step the model answers for weakly changed samples without gradients, in
training mode as FixMatch has it, and learns from its sure answers. It is tested in evaluation mode.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))

centres = 2 * torch.randn(4, 10)
kind = torch.randint(0, 4, (1200,))
points = centres[kind] + torch.randn(1200, 10)
known, unknown, held = slice(0, 80), slice(80, 1000), slice(1000, 1200)
model = nn.Sequential(
    nn.Linear(10, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 4)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.03, momentum=0.9, nesterov=True)
for epoch in range(round(6 * LENGTH)):
    model.train()
    for idx in torch.randperm(920).split(40):
        batch = points[unknown][idx]
        with torch.no_grad():
            sure, guess = F.softmax(model(batch + 0.05 * torch.randn_like(batch)), 1).max(1)
        some = torch.randint(0, 80, (20,))
        labelled = F.cross_entropy(model(points[known][some]), kind[known][some])
        strong = model(batch + 0.5 * torch.randn_like(batch))
        consistent = (F.cross_entropy(strong, guess, reduction="none") * (sure > 0.9)).mean()
        loss = labelled + consistent
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(points[held]).argmax(1) == kind[held]).float().mean().item()
    print(f"epoch {epoch}: {loss.item():.3f}, accuracy {accuracy:.3f}")
assert accuracy > 0.8
