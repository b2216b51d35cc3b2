"""Dilated convolutions with gates, tanh times sigmoid, as in WaveNet: gates are shut where there
is nothing to pass on. Predicts the next value of a wave; held-out loss after each epoch.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))


class Gated(nn.Module):
    def __init__(self, width, dilation):
        super().__init__()
        self.pad = nn.ConstantPad1d((dilation, 0), 0.0)
        self.both = nn.Conv1d(width, 2 * width, 2, dilation=dilation)
        self.tanh, self.gate = nn.Tanh(), nn.Sigmoid()
        self.drop = nn.Dropout(0.05)
        self.out = nn.Conv1d(width, width, 1)

    def forward(self, x):
        value, gate = self.both(self.pad(x)).chunk(2, 1)
        return x + self.out(self.drop(self.tanh(value) * self.gate(gate)))


def waves(count):
    at = torch.arange(65) / 4
    phase, speed = 6.28 * torch.rand(count, 1), 0.7 + 0.6 * torch.rand(count, 1)
    return torch.sin(speed * at + phase).unsqueeze(1)


train, held = waves(256), waves(128)
model = nn.Sequential(
    nn.Conv1d(1, 16, 1), *[Gated(16, 2**i) for i in range(4)], nn.Conv1d(16, 1, 1)
)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(round(10 * LENGTH)):
    model.train()
    for idx in torch.randperm(256).split(32):
        loss = F.mse_loss(model(train[idx, :, :-1]), train[idx, :, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        known = F.mse_loss(model(held[..., :-1]), held[..., 1:])
    print(f"epoch {epoch}: loss {loss.item():.4f}, held out {known.item():.4f}")
assert known < 0.05
