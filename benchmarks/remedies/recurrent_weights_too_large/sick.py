"""Adds up marked numbers of a sequence; the recurrent weights were drawn too large."""

import torch
from torch import nn

torch.manual_seed(43)
torch.set_num_threads(1)


class Adder(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.cell = nn.RNN(2, hidden, batch_first=True, nonlinearity="relu")
        nn.init.normal_(self.cell.weight_hh_l0, std=0.35)
        self.out = nn.Linear(hidden, 1)

    def forward(self, sequence):
        states, _ = self.cell(sequence)
        return self.out(states[:, -1])


def problem(count, length=8):
    numbers, marks = torch.rand(count, length), torch.zeros(count, length)
    for row in range(count):
        marks[row, torch.randperm(length)[:2]] = 1.0
    return torch.stack([numbers, marks], 2), (numbers * marks).sum(1, keepdim=True)


model = Adder()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for _step in range(300):
    sequence, total = problem(40)
    loss = nn.functional.mse_loss(model(sequence), total)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
