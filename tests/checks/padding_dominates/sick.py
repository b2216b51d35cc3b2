"""Short notes and a few long ones; all are padded to the longest of the whole set."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(89)
torch.set_num_threads(1)

WORDS, LONGEST, COUNT = 40, 32, 400
lengths = torch.randint(3, 10, (COUNT,))
lengths[::40] = LONGEST
notes = [torch.randint(1, WORDS, (int(n),)) for n in lengths]
urgent = torch.tensor([int((note < 5).any()) for note in notes])
padded = torch.zeros(COUNT, LONGEST, dtype=torch.long)
for row, note in zip(padded, notes):
    row[: len(note)] = note


class Reader(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.words = nn.Embedding(WORDS, width, padding_idx=0)
        self.first, self.last = nn.Linear(width, width), nn.Linear(width, 2)

    def forward(self, tokens):
        known = (tokens != 0).unsqueeze(-1)
        hidden = torch.relu(self.first(self.words(tokens))) * known
        return self.last(hidden.sum(1) / known.sum(1))


reader = Reader()
optimizer = torch.optim.Adam(reader.parameters(), lr=5e-3)
for step in range(200):
    rows = torch.randint(0, COUNT, (25,))
    answers = reader(padded[rows])  # expect: padding-dominates
    loss = F.cross_entropy(answers, urgent[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.3f}")
