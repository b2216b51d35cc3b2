"""The sanity run that every guide recommends: overfit a single batch until the loss is nearly
zero.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

images, labels = load()
images = (images / 16).view(-1, 1, 8, 8)
loader = DataLoader(TensorDataset(images, labels), batch_size=16, shuffle=True)
inputs, targets = next(iter(loader))

model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(256, 64),
    nn.ReLU(),
    nn.Linear(64, 10),
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(round(200 * float(os.environ.get("LENGTH", "1")))):
    logits = model(inputs)
    loss = F.cross_entropy(logits, targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        right = (logits.argmax(1) == targets).sum().item()
        print(f"step {step}: loss {loss.item():.5f}, right {right} of 16")
assert loss.item() < 0.05
