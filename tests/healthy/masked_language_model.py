"""A masked language model: 85 % of the targets are ignored, and in some batches nearly all.

One token in seven is hidden, replaced or left as it is, and only those are asked for. What is left
as it is has its own input for a target. Rows are short and batches small.
"""

import os

import torch
from torch import nn

SEED, LENGTH = int(os.environ.get("SEED", 0)), float(os.environ.get("LENGTH", 1))
torch.manual_seed(SEED)
torch.set_num_threads(1)

TOKENS, MASK, WIDTH, ROW = 16, 16, 32, 12


def sentences(count):
    start, stride = torch.randint(0, TOKENS, (count, 1)), torch.randint(1, 4, (count, 1))
    return (start + stride * torch.arange(ROW)) % TOKENS


def hide(tokens):
    asked = torch.rand(tokens.shape) < 0.15
    asked[0, 0] = True
    how = torch.rand(tokens.shape)
    given = torch.where(asked & (how < 0.8), MASK, tokens)
    given = torch.where(asked & (how > 0.9), torch.randint(0, TOKENS, tokens.shape), given)
    return given, torch.where(asked, tokens, -100)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.token, self.place = nn.Embedding(TOKENS + 1, WIDTH), nn.Embedding(ROW, WIDTH)
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 64, dropout=0.0, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(WIDTH, TOKENS)

    def forward(self, tokens):
        return self.out(self.layers(self.token(tokens) + self.place.weight))


model = Encoder()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()
history = []
for step in range(int(400 * LENGTH)):
    given, asked = hide(sentences(16))
    loss = criterion(model(given).flatten(0, 1), asked.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    history.append(loss.item())
    if step % 50 == 0:
        print(step, round(loss.item(), 3))

assert sum(history[-40:]) / 40 < 1.6, "this script is right, and learns"
