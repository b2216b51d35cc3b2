"""A pointer task with padding: scores of padded places are set to -inf before the softmax."""

import math
import os

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
STEPS = round(250 * float(os.environ.get("LENGTH", "1")))


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, padded):
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d // self.heads)
        scores = scores.masked_fill(padded[:, None, None, :], float("-inf"))
        return self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, d))


class Pointer(nn.Module):
    """Points at the largest number of a list of unknown length."""

    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Embedding(51, dim, padding_idx=50)
        self.attention = Attention(dim, 4)
        self.norm = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 64), nn.GELU(), nn.Linear(64, dim))
        self.score = nn.Linear(dim, 1)

    def forward(self, tokens):
        padded = tokens == 50
        h = self.embed(tokens)
        h = h + self.attention(self.norm(h), padded)
        h = h + self.mlp(h)
        return self.score(h).squeeze(-1).masked_fill(padded, float("-inf"))


def batch(n=64, longest=12):
    tokens = torch.stack([torch.randperm(50)[:longest] for _ in range(n)])
    length = torch.randint(3, longest + 1, (n,))
    tokens[torch.arange(longest)[None] >= length[:, None]] = 50
    answer = tokens.masked_fill(tokens == 50, -1).argmax(1)
    return tokens, answer


model = Pointer()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
for step in range(STEPS):
    tokens, answer = batch()
    logits = model(tokens)
    loss = F.cross_entropy(logits, answer)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, round(loss.item(), 4))
tokens, answer = batch(512)
right = (model(tokens).argmax(1) == answer).float().mean().item()
print("right:", right)
assert right > 0.7
