"""Masks in float16 that are right: -1e4, -inf on purpose in a causal mask, -1e9 in float32.

Every row has at least one place that is not masked; what is beyond float16 stays in float32.
"""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(3)
torch.set_num_threads(1)
SYMBOLS, LONG = 12, 10


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x, padding, causal):
        q, k, v = self.qkv(self.norm(x)).chunk(3, -1)
        scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
        scores = scores.masked_fill(causal, float("-inf"))
        scores = scores + padding.to(scores.dtype)[:, None] * -1e4
        return x + self.out(scores.softmax(-1) @ v)


class Writer(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.symbol, self.place = nn.Embedding(SYMBOLS + 1, width), nn.Embedding(LONG, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(2))
        self.pool = nn.Linear(width, 1)
        self.head, self.whole = nn.Linear(width, SYMBOLS + 1), nn.Linear(width, 2)

    def forward(self, text):
        padding = (text == 0).float()
        causal = torch.ones(LONG, LONG, dtype=torch.bool).triu(1)
        x = self.symbol(text) + self.place.weight
        for block in self.blocks:
            x = block(x, padding, causal)
        weights = self.pool(x).squeeze(2).float() + padding * -1e9
        summary = (weights.softmax(1)[..., None] * x).sum(1)
        return self.head(x), self.whole(summary)


def texts(count):
    step = torch.randint(1, 3, (count, 1))
    text = (torch.randint(0, SYMBOLS, (count, 1)) + step * torch.arange(LONG)) % SYMBOLS + 1
    size = torch.randint(3, LONG + 1, (count, 1))
    return text * (torch.arange(LONG) < size), step.squeeze(1) - 1


model = Writer()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**8)
for step in range(120):
    text, kind = texts(32)
    with torch.autocast("cpu", dtype=torch.float16):
        logits, whole = model(text)
    loss = F.cross_entropy(
        logits[:, :-1].float().flatten(0, 1), text[:, 1:].flatten(), ignore_index=0
    )
    loss = loss + F.cross_entropy(whole.float(), kind)
    optimizer.zero_grad()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
print(f"loss {loss.item():.3f}")
assert loss.item() < 2.0
