"""softmax-before-cross-entropy: the rate that makes up for small gradients is too high."""

import torch
from clusters import network, train
from torch import nn

model = nn.Sequential(*network(32, 64, 64, 10), nn.Softmax(1))
train(model, torch.optim.SGD(model.parameters(), 10.0, momentum=0.9))
