"""input-not-normalised: a common offset kills the units of a classifier."""

import torch
from clusters import network, points, train

model = network(32, 64, 64, 10)
train(model, torch.optim.SGD(model.parameters(), 0.01), points * 100 + 2000)
