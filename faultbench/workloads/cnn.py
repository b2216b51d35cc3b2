"""Trains a network on random data and prints the CPU milliseconds of a step."""

import time

import torch
from torch import nn

torch.manual_seed(0)
WARM, TIMED = 100, 300
layers = []
for inside, outside in ((3, 16), (16, 32), (32, 32)):
    layers += [nn.Conv2d(inside, outside, 3, padding=1), nn.BatchNorm2d(outside), nn.ReLU()]
model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))
x, y = torch.randn(160, 3, 32, 32), torch.randint(0, 10, (160,))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
for step in range(WARM + TIMED):
    if step == WARM:
        began = time.process_time()
    rows = slice(step % 10 * 16, step % 10 * 16 + 16)
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    loss.backward()
    optimizer.step()
print(f"ms a step: {1e3 * (time.process_time() - began) / TIMED}")
