"""Stacked autoencoders: each layer is trained alone, with an optimizer of its own.

The whole is tuned in the end (Bengio et al. 2007). In each phase the layers below run without
gradients, and the optimizers of earlier phases are forgotten.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(21 + int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))
torch.set_num_threads(1)

source = torch.randn(1000, 6)
x = torch.tanh(source @ torch.randn(6, 40)) + 0.1 * torch.randn(1000, 40)
label = (source[:, 0] * source[:, 1] > 0).long()


class Stack(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(40, 32), nn.Linear(32, 24), nn.Linear(24, 16)])
        self.out = nn.Linear(16, 2)

    def below(self, x, depth):
        for layer in self.layers[:depth]:
            x = torch.sigmoid(layer(x))
        return x

    def forward(self, x):
        return self.out(self.below(x, len(self.layers)))


stack = Stack()
for depth, layer in enumerate(stack.layers):
    decoder = nn.Linear(layer.out_features, layer.in_features)
    opt = torch.optim.Adam([*layer.parameters(), *decoder.parameters()], lr=5e-3)
    for step in range(int(80 * LENGTH)):
        rows = torch.randint(0, 1000, (64,))
        with torch.no_grad():
            given = stack.below(x[rows], depth)
        loss = F.mse_loss(decoder(torch.sigmoid(layer(given))), given)
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(f"layer {depth}: {loss.item():.4f}")

opt = torch.optim.Adam(stack.parameters(), lr=5e-3)
for step in range(int(120 * LENGTH)):
    rows = torch.randint(0, 1000, (64,))
    loss = F.cross_entropy(stack(x[rows]), label[rows])
    opt.zero_grad()
    loss.backward()
    opt.step()
print(f"all: {loss.item():.3f}")
accuracy = (stack(x).argmax(1) == label).float().mean().item()
assert accuracy > 0.5, accuracy
