"""learning-rate-too-high: a regression runs away until the loss is infinite."""

import torch
from clusters import network, targets, train
from torch.nn.functional import mse_loss

model = network(32, 64, 1)
train(model, torch.optim.SGD(model.parameters(), 1.0), answers=targets, loss_function=mse_loss)
