"""A recurrent network adds up marked numbers: the adding problem, with clipped gradients."""

import torch
from torch import nn

torch.manual_seed(3)
torch.set_num_threads(1)


def batch(size=64, length=12):
    values = torch.rand(size, length)
    marks = torch.zeros(size, length)
    for row in marks:
        row[torch.randperm(length)[:2]] = 1
    return torch.stack([values, marks], 2), (values * marks).sum(1)


class Adder(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(2, 32, nonlinearity="tanh", batch_first=True)
        self.read = nn.Linear(32, 1)

    def forward(self, sequence):
        states, _ = self.rnn(sequence)
        return self.read(states[:, -1]).squeeze(1)


adder = Adder()
optimizer = torch.optim.Adam(adder.parameters(), lr=3e-3)
for iteration in range(200):
    sequence, answer = batch()
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(adder(sequence), answer)
    loss.backward()
    optimizer.step()
    nn.utils.clip_grad_norm_(adder.parameters(), max_norm=0.25)  # expect: clipping-after-step
    if iteration % 50 == 49:
        print(iteration + 1, f"{loss.item():.4f}")
