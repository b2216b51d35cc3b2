"""saturated-activation: biases of 6 leave a sigmoid no slope."""

import torch
from clusters import linears, network, train
from torch import nn

model = network(32, *[64] * 6, 10, activation=nn.Sigmoid)
for layer in linears(model)[:-1]:
    layer.bias.data.fill_(6.0)
train(model, torch.optim.SGD(model.parameters(), 0.01))
