"""Heads that start at zero: all logits are 0, or 0.5, and all probabilities alike for a while.

A slow start keeps the logits between 0 and 1 for most of the run; a table of values between 0 and 1
is the input of a policy at a low temperature; and a sigmoid inside is a gate.
"""

import os

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))
tags = torch.randn(6, 3)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.body = nn.Linear(6, 24), nn.Linear(6, 24)
        self.head = nn.Linear(24, 3)
        self.value = nn.Linear(24, 3)
        nn.init.zeros_(self.head.weight)
        nn.init.constant_(self.head.bias, 0.5)
        nn.init.zeros_(self.value.weight)

    def forward(self, x):
        h = torch.sigmoid(self.gate(x)) * self.body(x)
        return self.head(h), torch.sigmoid(self.value(h))


model = Tagger()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for _ in range(int(200 * LENGTH)):
    x = torch.randn(48, 6)
    wanted = ((x @ tags) > 0).float()
    logits, value = model(x)
    loss = F.binary_cross_entropy_with_logits(logits, wanted)
    choice = Categorical(logits=value / 0.1)
    action = choice.sample()
    reward = wanted.gather(1, action[:, None]).squeeze(1)
    loss = loss - 0.1 * (choice.log_prob(action) * (reward - 0.5)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

accuracy = ((logits > 0) == (wanted > 0.5)).float().mean().item()
print(f"accuracy {accuracy:.3f}, logits from {logits.min().item():.2f}")
assert accuracy > 0.7
