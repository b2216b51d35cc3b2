"""samples-mixed: the places in a line are counted over the batch."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(5)
torch.set_num_threads(1)


class Reader(nn.Module):
    def __init__(self, signs=16, width=24, places=256):
        super().__init__()
        self.signs = nn.Embedding(signs, width)
        turns = torch.arange(places)[:, None, None] * 0.3 ** torch.arange(width)
        self.register_buffer("places", turns.sin())
        self.mix = nn.MultiheadAttention(width, 2, batch_first=True)
        self.out = nn.Linear(width, 2)

    def forward(self, lines):
        hidden = self.signs(lines) + self.places[: len(lines)]
        hidden = hidden + self.mix(hidden, hidden, hidden, need_weights=False)[0]
        return self.out(hidden.mean(dim=1))


def draw(count):
    lines = torch.randint(2, 16, (count, 12))
    spots = torch.rand(count, 12).argsort(1)[:, :2]
    lines.scatter_(1, spots, torch.tensor([[0, 1]]).expand(count, 2))
    return lines, (spots[:, 0] < spots[:, 1]).long()


reader = Reader()
adam = torch.optim.Adam(reader.parameters(), lr=1e-3)
for step in range(300):
    lines, labels = draw(40)
    loss = F.cross_entropy(reader(lines), labels)
    adam.zero_grad()
    loss.backward()
    adam.step()
    if step % 50 == 0:
        print(step, loss.item())
