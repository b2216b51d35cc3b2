"""An encoder that sees all of its text, and a decoder that sees what it has written.

What is written is the text itself, backwards; both are padded, and both have places. The decoder is
given what it is to write, one place later.
"""

import math
import os

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
STEPS = round(260 * float(os.environ.get("LENGTH", "1")))
PAD, BEGIN, END, SIGNS, LONGEST = 0, 1, 2, 14, 8


class PositionalEncoding(nn.Module):
    def __init__(self, width, length=LONGEST + 2):
        super().__init__()
        place = torch.arange(length)[:, None]
        speed = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
        table = torch.stack([torch.sin(place * speed), torch.cos(place * speed)], 2).flatten(1)
        self.register_buffer("table", table)

    def forward(self, x):
        return x + self.table[: x.size(1)]


class Translator(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.signs = nn.Embedding(SIGNS, width)
        self.places = PositionalEncoding(width)
        self.body = nn.Transformer(width, 4, 1, 1, 64, dropout=0.0, batch_first=True)
        self.head = nn.Linear(width, SIGNS)

    def forward(self, source, written):
        length = written.size(1)
        later = torch.ones(length, length, dtype=torch.bool).triu(1)
        hidden = self.body(
            self.places(self.signs(source)),
            self.places(self.signs(written)),
            tgt_mask=later,
            src_key_padding_mask=source == PAD,
            tgt_key_padding_mask=written == PAD,
            memory_key_padding_mask=source == PAD,
        )
        return self.head(hidden)


def pairs(count):
    source = torch.full((count, LONGEST), PAD)
    target = torch.full((count, LONGEST + 2), PAD)
    for row, length in enumerate(torch.randint(4, LONGEST + 1, (count,)).tolist()):
        text = torch.randint(3, SIGNS, (length,))
        source[row, :length] = text
        target[row, 0], target[row, length + 1] = BEGIN, END
        target[row, 1 : length + 1] = text.flip(0)
    return source, target


model = Translator()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
losses = []
for step in range(STEPS):
    source, target = pairs(40)
    logits = model(source, target[:, :-1])
    loss = F.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=PAD)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(losses[0], sum(losses[-20:]) / 20)
assert sum(losses[-20:]) / 20 < 0.8 * math.log(SIGNS - 3)
