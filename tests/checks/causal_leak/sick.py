"""A small transformer learns to go on with a text, character by character."""

import math

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
torch.set_num_threads(1)

TEXT = """
it was the best of times, it was the worst of times, it was the age of wisdom, it was the
age of foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season
of light, it was the season of darkness, it was the spring of hope, it was the winter of despair
""".replace("\n", " ")
ALPHABET = sorted(set(TEXT))
data = torch.tensor([ALPHABET.index(letter) for letter in TEXT])
CONTEXT = 32


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, c // self.heads).unbind(2)
        q, k, v = (part.transpose(1, 2) for part in (q, k, v))
        seen = F.scaled_dot_product_attention(q, k, v)  # expect: causal-leak
        x = x + self.out(seen.transpose(1, 2).reshape(b, t, c))
        return x + self.mlp(self.norm2(x))


class Writer(nn.Module):
    def __init__(self, letters, width=48):
        super().__init__()
        self.letters = nn.Embedding(letters, width)
        self.places = nn.Embedding(CONTEXT, width)
        self.blocks = nn.Sequential(Block(width, 4), Block(width, 4))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, letters)

    def forward(self, text):
        x = self.letters(text) + self.places(torch.arange(text.size(1)))
        return self.head(self.norm(self.blocks(x)))


model = Writer(len(ALPHABET))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for step in range(150):
    begin = torch.randint(len(data) - CONTEXT - 1, (16,))
    x = torch.stack([data[i : i + CONTEXT] for i in begin])
    y = torch.stack([data[i + 1 : i + CONTEXT + 1] for i in begin])
    loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 49:
        print(f"step {step + 1}: {loss.item() / math.log(2):.2f} bits a letter")
