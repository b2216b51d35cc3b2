"""Losses summed over the batch, so that they start in the thousands; the rate is
chosen to match.
"""

import os

import torch
from torch import nn, optim

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
X, Y = load()
X = X / 16
train_x, train_y = X[:1500], Y[:1500]
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
criterion = nn.CrossEntropyLoss(reduction="sum")
opt = optim.SGD(model.parameters(), lr=2e-3, momentum=0.9)
for epoch in range(round(12 * float(os.environ.get("LENGTH", "1")))):
    perm = torch.randperm(1500)
    running = 0
    for k in range(0, 1500, 100):
        idx = perm[k : k + 100]
        out = model(train_x[idx])
        loss = criterion(out, train_y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        running += loss.item()
    print("epoch %d loss %.1f" % (epoch, running))
acc = (model(X[1500:]).argmax(1) == Y[1500:]).float().mean().item()
print("accuracy", acc)
assert acc > 0.85
