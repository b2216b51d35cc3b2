"""Gradients by torch.autograd.grad, projected against each other (two tasks), put into
.grad by hand.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

images, labels = load()
images = images / 16
parity = (labels % 2).float()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
        self.digit, self.odd = nn.Linear(64, 10), nn.Linear(64, 1)

    def forward(self, x):
        h = self.body(x)
        return self.digit(h), self.odd(h).squeeze(1)


net = Net()
params = list(net.parameters())
optimizer = torch.optim.Adam(params, lr=3e-3)
for epoch in range(round(6 * float(os.environ.get("LENGTH", "1")))):
    for idx in torch.randperm(1400).split(50):
        digit, odd = net(images[idx])
        losses = (
            F.cross_entropy(digit, labels[idx]),
            F.binary_cross_entropy_with_logits(odd, parity[idx]),
        )
        grads = []
        for loss in losses:
            got = torch.autograd.grad(loss, params, retain_graph=True, allow_unused=True)
            grads.append([torch.zeros_like(p) if g is None else g for p, g in zip(params, got)])
        dot = sum((a * b).sum() for a, b in zip(*grads))
        norm = sum((b * b).sum() for b in grads[1])
        for p, a, b in zip(params, *grads):
            p.grad = a + b - (dot / norm) * b if dot < 0 else a + b
        optimizer.step()
with torch.no_grad():
    digit, odd = net(images[1400:])
accuracy = (digit.argmax(1) == labels[1400:]).float().mean().item()
print("digits", accuracy, "parity", ((odd > 0) == (parity[1400:] > 0)).float().mean().item())
assert accuracy > 0.85
