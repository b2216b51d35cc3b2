"""softmax-before-cross-entropy: a deep network does not get off the ground."""

import torch
from clusters import network, train
from torch import nn

model = nn.Sequential(*network(32, *[64] * 5, 10, activation=nn.Tanh), nn.Softmax(1))
train(model, torch.optim.SGD(model.parameters(), 0.02))
