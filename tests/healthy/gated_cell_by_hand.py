"""A gated recurrent cell of one's own: the same sigmoid and tanh modules are called at every step
of time, with one dropout mask for the whole sequence. Learns the share of ones in eight bits.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))


class Cell(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.gates, self.value = nn.Linear(1 + size, 2 * size), nn.Linear(1 + size, size)
        self.sigmoid, self.tanh, self.drop = nn.Sigmoid(), nn.Tanh(), nn.Dropout(0.05)
        self.size = size

    def forward(self, bits):
        state = bits.new_zeros(len(bits), self.size)
        mask = self.drop(torch.ones_like(state))
        for t in range(bits.shape[1]):
            now = torch.cat([bits[:, t : t + 1], state], 1)
            keep, reset = self.sigmoid(self.gates(now)).chunk(2, 1)
            new = self.tanh(self.value(torch.cat([now[:, :1], reset * state * mask], 1)))
            state = keep * state + (1 - keep) * new
        return state


def draw(count):
    bits = (torch.rand(count, 8) > 0.5).float()
    return bits - 0.5, bits.sum(1) / 8


model = nn.Sequential(Cell(24), nn.Linear(24, 1), nn.Flatten(0))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
held_bits, held_share = draw(256)
for epoch in range(round(10 * LENGTH)):
    model.train()
    for _ in range(20):
        bits, share = draw(64)
        loss = F.mse_loss(model(bits), share)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        known = F.mse_loss(model(held_bits), held_share)
    print(f"epoch {epoch}: loss {loss.item():.4f}, held out {known.item():.4f}")
assert known < 0.005
