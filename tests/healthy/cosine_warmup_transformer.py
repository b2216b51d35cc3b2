"""A small causal transformer that learns to sort: AdamW, warm-up, cosine decay, clipping. Its
first rate is 0.
"""

import math
import os

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
TOTAL = round(200 * float(os.environ.get("LENGTH", "1")))
WARMUP = TOTAL // 20
DIGITS, LENGTH = 10, 6


class Sorter(nn.Module):
    def __init__(self, dim=48, layers=2):
        super().__init__()
        self.tok = nn.Embedding(DIGITS + 1, dim)
        self.pos = nn.Parameter(torch.zeros(2 * LENGTH, dim))
        layer = nn.TransformerEncoderLayer(
            dim, 4, 4 * dim, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, DIGITS)
        nn.init.normal_(self.pos, std=0.02)

    def forward(self, idx):
        mask = nn.Transformer.generate_square_subsequent_mask(idx.size(1))
        h = self.tok(idx) + self.pos[: idx.size(1)]
        return self.head(self.norm(self.blocks(h, mask=mask, is_causal=True)))


def batch(n):
    given = torch.randint(DIGITS, (n, LENGTH))
    wanted = given.sort(1).values
    go = torch.full((n, 1), DIGITS)
    inputs = torch.cat([given, go, wanted[:, :-1]], 1)
    targets = torch.full_like(inputs, -100)  # no loss on the question
    targets[:, LENGTH:] = wanted
    return inputs, targets


def lr_lambda(step):
    if step < WARMUP:
        return step / WARMUP
    progress = (step - WARMUP) / (TOTAL - WARMUP)
    return 0.5 * (1 + math.cos(math.pi * progress))


model = Sorter()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lr_lambda)
for step in range(TOTAL):
    inputs, targets = batch(32)
    logits = model(inputs)
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    if step % 50 == 0:
        print(f"step {step} loss {loss.item():.3f} lr {scheduler.get_last_lr()[0]:.2e}")
print(f"final loss {loss.item():.3f}")
assert loss.item() < 1.0
