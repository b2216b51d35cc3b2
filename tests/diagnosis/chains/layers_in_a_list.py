"""parameters-outside-optimizer: hidden layers in a plain list, which the model does not know of."""

import torch
from clusters import train
from torch import nn


class Plain(nn.Module):
    """Two hidden layers with weights so small that only a trained head could make up for them."""

    def __init__(self):
        super().__init__()
        self.hidden = [nn.Linear(32, 64), nn.Linear(64, 64)]
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        for layer in self.hidden:
            x = layer(x).relu()
        return self.head(x)


model = Plain()
train(model, torch.optim.SGD(model.parameters(), 0.1))
