"""eval-mode-in-training: batch norm does not normalise weights that are too large."""

import torch
from clusters import cross_entropy, labels, linears, network, points, train
from torch import nn

model = network(32, *[64] * 8, 10, norm=nn.BatchNorm1d)
for layer in linears(model):
    nn.init.kaiming_normal_(layer.weight)
    layer.weight.data *= 3
model.eval()
with torch.no_grad():
    print("before training:", float(cross_entropy(model(points), labels)))
train(model, torch.optim.SGD(model.parameters(), 0.1))
