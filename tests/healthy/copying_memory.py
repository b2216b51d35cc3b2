"""The copying task: seven tokens, a pause, and then they are to be said again.

Input and target are filled up with the same blank, which both repeat for long, and it is to be
learnt when to be silent. The last tokens of an input are blanks throughout.
"""

import os

import torch
import torch.nn.functional as F
from torch import nn

SEED, LENGTH = int(os.environ.get("SEED", 0)), float(os.environ.get("LENGTH", 1))
torch.manual_seed(SEED)
torch.set_num_threads(1)

SYMBOLS, BLANK, GO, SAID, PAUSE = 4, 4, 5, 3, 3


def batch(count):
    symbols = torch.randint(0, SYMBOLS, (count, SAID))
    given = torch.full((count, 2 * SAID + PAUSE), BLANK)
    target = given.clone()
    given[:, :SAID], given[:, SAID + PAUSE - 1] = symbols, GO
    target[:, SAID + PAUSE :] = symbols
    return given, target


class Memory(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(6, 16)
        self.rnn = nn.GRU(16, 64, batch_first=True)
        self.out = nn.Linear(64, 5)

    def forward(self, tokens):
        return self.out(self.rnn(self.embed(tokens))[0])


model = Memory()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(int(500 * LENGTH)):
    given, target = batch(32)
    loss = F.cross_entropy(model(given).transpose(1, 2), target)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 50 == 0:
        print(step, round(loss.item(), 3))

assert loss.item() < 0.3, "this script is right, and learns"
