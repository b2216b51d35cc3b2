"""BatchNorm makes weights scale-free, weight decay shrinks them: gradients grow while
all goes well.
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
model = nn.Sequential(
    nn.Linear(64, 64, bias=False),
    nn.BatchNorm1d(64),
    nn.ReLU(),
    nn.Linear(64, 64, bias=False),
    nn.BatchNorm1d(64),
    nn.ReLU(),
    nn.Linear(64, 10),
)
decayed = [p for p in model.parameters() if p.dim() == 2]
others = [p for p in model.parameters() if p.dim() == 1]
optimizer = torch.optim.SGD(
    [{"params": decayed, "weight_decay": 5e-2}, {"params": others}], lr=0.05, momentum=0.9
)
epochs = round(12 * float(os.environ.get("LENGTH", "1")))
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
for epoch in range(epochs):
    model.train()
    for idx in torch.randperm(1400).split(50):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images[idx]), labels[idx])
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(images[1400:]).argmax(1) == labels[1400:]).float().mean().item()
    print(
        f"epoch {epoch}: loss {loss.item():.3f}, |W0| {model[0].weight.norm():.2f}, {accuracy:.3f}"
    )
assert accuracy > 0.85
