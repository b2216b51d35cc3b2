"""eval-mode-in-training: batch norm does not keep gradients of a deep network alive."""

import torch
from clusters import cross_entropy, labels, network, points, train
from torch import nn

model = network(32, *[64] * 20, 10, norm=nn.BatchNorm1d)
model.eval()
with torch.no_grad():
    print("before training:", float(cross_entropy(model(points), labels)))
train(model, torch.optim.SGD(model.parameters(), 0.05))
