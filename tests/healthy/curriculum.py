"""Longer and longer sums: the loss falls to almost nothing, and leaps at each new stage by plan."""

import os

import torch
from torch import nn

SEED, LENGTH = int(os.environ.get("SEED", 0)), float(os.environ.get("LENGTH", 1))
torch.manual_seed(SEED)
torch.set_num_threads(1)


class Adder(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.out = nn.GRU(1, 32, batch_first=True), nn.Linear(32, 1)

    def forward(self, numbers):
        return self.out(self.rnn(numbers.unsqueeze(2))[0][:, -1])


model = Adder()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.MSELoss()
stage_steps = int(160 * LENGTH)
for length in (2, 4, 7, 10):
    for step in range(stage_steps):
        numbers = torch.rand(32, length)
        loss = criterion(model(numbers), numbers.sum(1, keepdim=True))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step in (0, stage_steps - 1):
            print(f"length {length}, step {step}: {loss.item():.4f}")

assert loss.item() < 0.5, "this script is right, and learns"
