"""learning-rate-too-high: sigmoids thrown to their bounds pass on no gradient."""

import torch
from clusters import linears, network, train
from torch import nn

model = network(32, *[64] * 4, 10, activation=nn.Sigmoid)
for layer in linears(model):
    nn.init.normal_(layer.weight, 0.0, 0.5)
train(model, torch.optim.SGD(model.parameters(), 20.0))
