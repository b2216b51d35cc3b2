"""zero-grad-missing: sums of gradients drive tanh to its bounds."""

import torch
from clusters import network, train
from torch import nn

model = network(32, 64, 64, 10, activation=nn.Tanh)
train(model, torch.optim.SGD(model.parameters(), 0.3, momentum=0.9), clear=False)
