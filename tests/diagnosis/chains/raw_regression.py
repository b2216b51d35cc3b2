"""input-not-normalised: features in the thousands blow a regression up."""

import torch
from clusters import network, points, targets, train
from torch.nn.functional import mse_loss

model = network(32, 32, 1)
optimizer = torch.optim.SGD(model.parameters(), 0.01)
train(model, optimizer, points * 1000 + 2000, targets, mse_loss)
