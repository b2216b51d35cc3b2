"""Equalised learning rates: weights of N(0, 1) that are scaled each time they are used."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(6)
torch.set_num_threads(1)


class Equalised(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = (2 / inputs) ** 0.5

    def forward(self, x):
        return F.linear(x, self.weight * self.scale, self.bias)


class Mapping(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(Equalised(48, 48) for _ in range(4))
        self.last = Equalised(48, 6)

    def forward(self, z):
        for layer in self.layers:
            z = F.leaky_relu(layer(z), 0.2)
        return self.last(z)


classes = torch.randint(0, 6, (900,))
codes = torch.randn(6, 48)[classes] + torch.randn(900, 48)
mapping = Mapping()
optimizer = torch.optim.Adam(mapping.parameters(), lr=3e-3)
for epoch in range(6):
    for part in torch.randperm(900).split(45):
        optimizer.zero_grad()
        loss = F.cross_entropy(mapping(codes[part]), classes[part])
        loss.backward()
        optimizer.step()
print(loss.item())
