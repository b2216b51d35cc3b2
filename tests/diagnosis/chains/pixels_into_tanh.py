"""input-not-normalised: numbers from 0 to 255 saturate a tanh."""

import torch
from clusters import network, points, train
from torch import nn

pixels = (points * 60 + 128).clamp(0, 255)
model = network(32, 64, 64, 10, activation=nn.Tanh)
train(model, torch.optim.SGD(model.parameters(), 0.1), pixels)
