"""zero-grad-missing: sums of gradients run away until the loss is infinite."""

import torch
from clusters import network, targets, train
from torch.nn.functional import mse_loss

model = network(32, 64, 1)
optimizer = torch.optim.SGD(model.parameters(), 0.02, momentum=0.9)
train(model, optimizer, answers=targets, loss_function=mse_loss, clear=False)
