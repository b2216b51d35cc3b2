"""float16, three batches to a step: the scaler steps once, unscales once, and clips in between.

Labels of three digits are read by CTC in float32, outside of autocast; attention masks with -inf.
"""

import contextlib
import os

import torch
from torch import nn

torch.manual_seed(int(os.environ.get("SEED", "0")))
torch.set_num_threads(1)
STEPS = max(int(80 * float(os.environ.get("LENGTH", "1"))), 40)
PARTS, T, DIGITS = 3, 16, 6
shape = torch.randn(DIGITS, 8)


def lines(n):
    size = torch.randint(10, T + 1, (n,))
    text = torch.randint(0, DIGITS, (n, 3))
    x = 0.1 * torch.randn(n, T, 8)
    at = (torch.rand(n) * (size - 8)).long()
    for k in range(3):
        for j in (0, 1):
            x[torch.arange(n), at + 3 * k + j * (k < 2)] += shape[text[:, k]]
    return x, size, text + 1


class Reader(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.inp, self.place = nn.Linear(8, width), nn.Parameter(0.1 * torch.randn(T, width))
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, DIGITS + 1)

    def forward(self, x, size):
        h = torch.relu(self.inp(x)) + self.place
        outside = torch.arange(T) >= size[:, None]
        near = (torch.arange(T)[:, None] - torch.arange(T)).abs() <= 2
        scores = self.q(h) @ self.k(h).mT / 32**0.5
        scores = scores.masked_fill(outside[:, None] & near.logical_not(), float("-inf"))
        return self.out(h + scores.softmax(-1) @ self.v(h))


model = Reader()
ctc = nn.CTCLoss(zero_infinity=True)
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12)
half = contextlib.nullcontext() if os.environ.get("FULL") else torch.autocast("cpu", torch.float16)
curve = []
for step in range(STEPS):
    optimizer.zero_grad()
    total = 0.0
    for part in range(PARTS):
        x, size, text = lines(16)
        with half:
            logits = model(x, size)
        sizes = torch.full_like(size, 3)
        loss = ctc(logits.float().log_softmax(2).transpose(0, 1), text, size, sizes) / PARTS
        scaler.scale(loss).backward()
        total += loss.item()
    scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_(model.parameters(), 10.0)
    scaler.step(optimizer)
    scaler.update()
    curve.append(total)
print(f"loss {curve[0]:.3f} to {curve[-1]:.3f}")
assert curve[-1] < 0.6 * curve[0]
