"""Tags for words: attention by hand under an additive mask of finite numbers.

Sentences are filled up on the left, the mask is given in floats, and padded places get answers too,
which no loss counts.
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)
torch.set_num_threads(1)
TAGS, WORDS, LENGTH = 4, 30, 14


class Attention(nn.Module):
    def __init__(self, width, heads=2):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))

    def forward(self, x, bias):
        rows, length, width = x.shape
        split = (rows, length, self.heads, width // self.heads)
        q = self.query(x).view(split).transpose(1, 2)
        k = self.key(x).view(split).transpose(1, 2)
        v = self.value(x).view(split).transpose(1, 2)
        scores = q @ k.transpose(2, 3) / (width // self.heads) ** 0.5 + bias
        return (scores.softmax(3) @ v).transpose(1, 2).reshape(rows, length, width)


class Tagger(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.words = nn.Embedding(WORDS, width)
        self.places = nn.Parameter(0.1 * torch.randn(LENGTH, width))
        self.attention = Attention(width)
        self.norm = nn.LayerNorm(width)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(width, TAGS)

    def forward(self, ids, attention_mask):
        bias = (1.0 - attention_mask)[:, None, None, :] * -10000.0
        hidden = self.words(ids) + self.places
        hidden = self.norm(hidden + self.drop(self.attention(hidden, bias)))
        return self.head(hidden)


def sentences(count):
    ids = torch.randint(1, WORDS, (count, LENGTH))
    mask = torch.arange(LENGTH)[None] >= torch.randint(0, 10, (count, 1))
    ids[~mask] = 0
    before = F.pad(ids, (1, 0))[:, :-1]
    tags = (ids % 2) * 2 + (before % 2)
    return ids, mask.float(), tags.masked_fill(~mask, -100)


model = Tagger()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(150):
    ids, mask, tags = sentences(32)
    logits = model(ids, attention_mask=mask)
    loss = F.cross_entropy(logits.transpose(1, 2), tags, ignore_index=-100)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(f"{loss.item():.3f}")
