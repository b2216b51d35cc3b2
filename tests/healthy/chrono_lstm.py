"""An LSTM cell written by hand with chrono initialisation: forget gates begin, and
stay, near one.
"""

import os

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
STEPS = round(150 * float(os.environ.get("LENGTH", "1")))
SPAN, LONGEST = 20, 1000


class Cell(nn.Module):
    def __init__(self, n_in, width):
        super().__init__()
        self.width = width
        self.f = nn.Linear(n_in + width, width)
        self.io = nn.Linear(n_in + width, 2 * width)
        self.g = nn.Linear(n_in + width, width)
        nn.init.uniform_(self.f.bias, 1, LONGEST - 1)
        self.f.bias.data.log_()
        nn.init.zeros_(self.io.bias)

    def forward(self, x, state):
        h, c = state
        z = torch.cat([x, h], 1)
        i, o = torch.sigmoid(self.io(z)).chunk(2, 1)
        c = torch.sigmoid(self.f(z)) * c + i * torch.tanh(self.g(z))
        return o * torch.tanh(c), c


class Memory(nn.Module):
    """Keeps the first symbol in mind through a stretch of noise."""

    def __init__(self, width=24):
        super().__init__()
        self.cell = Cell(5, width)
        self.out = nn.Linear(width, 4)

    def forward(self, x):
        state = (x.new_zeros(len(x), self.cell.width), x.new_zeros(len(x), self.cell.width))
        for t in range(x.size(1)):
            state = self.cell(x[:, t], state)
        return self.out(state[0])


model = Memory()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(STEPS):
    y = torch.randint(4, (32,))
    x = torch.zeros(32, SPAN, 5)
    x[torch.arange(32), 0, y] = 1
    x[:, 1:, 4] = torch.randn(32, SPAN - 1)
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
print("end", loss.item())
assert loss.item() < 0.3
