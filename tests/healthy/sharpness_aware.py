"""SAM written by hand: climb to the worst neighbour, take the gradient there, go back,
then step.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

images, labels = load()
images = (images - images.mean()) / images.std()
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
base_optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
RHO = 0.05

for epoch in range(round(6 * float(os.environ.get("LENGTH", "1")))):
    for idx in torch.randperm(1400).split(50):
        x, y = images[idx], labels[idx]
        # first pass: where is it worst?
        F.cross_entropy(model(x), y).backward()
        with torch.no_grad():
            norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm()
            climbed = [p.grad * (RHO / (norm + 1e-12)) for p in model.parameters()]
            for p, e in zip(model.parameters(), climbed, strict=True):
                p.add_(e)
        base_optimizer.zero_grad()
        # second pass: the gradient that counts
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        with torch.no_grad():
            for p, e in zip(model.parameters(), climbed, strict=True):
                p.sub_(e)
        base_optimizer.step()
        base_optimizer.zero_grad()
    with torch.no_grad():
        accuracy = (model(images[1400:]).argmax(1) == labels[1400:]).float().mean().item()
    print(epoch, round(loss.item(), 4), round(accuracy, 3))
assert accuracy > 0.85
