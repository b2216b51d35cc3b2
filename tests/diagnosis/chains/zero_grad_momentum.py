"""zero-grad-missing: sums of gradients throw a classifier far away."""

import torch
from clusters import network, train

model = network(32, 64, 64, 10)
train(model, torch.optim.SGD(model.parameters(), 0.1, momentum=0.9), clear=False)
