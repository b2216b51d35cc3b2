"""symmetric-initialisation: equal units add up, so that tanh saturates and steps are too long."""

import torch
from clusters import linears, network, train
from torch import nn

model = network(32, 64, 64, 10, activation=nn.Tanh)
for layer in linears(model):
    nn.init.constant_(layer.weight, 0.5)
    nn.init.zeros_(layer.bias)
train(model, torch.optim.SGD(model.parameters(), 0.5))
