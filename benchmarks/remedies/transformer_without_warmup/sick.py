"""Sorts tokens with a small post-norm transformer encoder."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(1)
torch.set_num_threads(1)

VOCAB, LENGTH, WIDTH = 12, 10, 48
LR, STEPS, BATCH = 1e-2, 260, 32


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = (
            part.view(n, t, self.heads, c // self.heads).transpose(1, 2)
            for part in self.qkv(x).split(c, dim=2)
        )
        weights = F.softmax(q @ k.transpose(-2, -1) / (c // self.heads) ** 0.5, dim=-1)
        mixed = (weights @ v).transpose(1, 2).reshape(n, t, c)
        x = self.norm1(x + self.proj(mixed))
        return self.norm2(x + self.down(F.relu(self.up(x))))


class Sorter(nn.Module):
    def __init__(self, depth=6):
        super().__init__()
        self.token = nn.Embedding(VOCAB, WIDTH)
        self.position = nn.Parameter(0.1 * torch.randn(LENGTH, WIDTH))
        self.blocks = nn.ModuleList(Block(WIDTH, 4) for _ in range(depth))
        self.out = nn.Linear(WIDTH, VOCAB)

    def forward(self, tokens):
        x = self.token(tokens) + self.position
        for block in self.blocks:
            x = block(x)
        return self.out(x)


model = Sorter()
optimizer = torch.optim.Adam(model.parameters(), lr=LR, betas=(0.9, 0.98))
for step in range(STEPS):
    tokens = torch.randint(0, VOCAB, (BATCH, LENGTH))
    answer = tokens.sort(dim=1).values
    logits = model(tokens)
    loss = F.cross_entropy(logits.view(-1, VOCAB), answer.view(-1))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(f"step {step:4d} | loss {loss.item():.3f}")
