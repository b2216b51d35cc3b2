"""symmetric-initialisation: with all numbers zero no unit gives anything."""

import torch
from clusters import network, train

model = network(32, 64, 64, 10)
for parameter in model.parameters():
    torch.nn.init.zeros_(parameter)
train(model, torch.optim.SGD(model.parameters(), 0.1))
