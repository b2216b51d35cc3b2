"""Water meters in float16 with a scaler: digits by CTC, the window's span, which has run further.

Padding is masked by the least number that float16 holds; losses are computed in float32.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.manual_seed(int(os.environ.get("SEED", "0")))
torch.set_num_threads(1)
EPOCHS = max(int(8 * float(os.environ.get("LENGTH", "1"))), 4)

DIGITS, BAND, WIDTH = 5, 8, 18
faces = torch.randn(DIGITS, BAND)


def photos(n):
    strip, number = 0.1 * torch.randn(n, WIDTH, BAND), torch.randint(0, DIGITS, (n, 3))
    seen = torch.randint(14, WIDTH + 1, (n,))
    begin = (torch.rand(n) * (seen - 11)).long()
    for k in range(3):
        for shift in (0, 1):
            strip[torch.arange(n), begin + 4 * k + shift] += faces[number[:, k]]
    value = number @ torch.tensor([25, 5, 1])
    return strip, seen, number + 1, torch.stack([begin, begin + 12], 1) / WIDTH, value


class Meter(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.embed = nn.Linear(3 * BAND, dim)
        self.norm = nn.BatchNorm1d(dim)
        self.query = nn.Linear(dim, 1)
        self.digits = nn.Linear(dim, DIGITS + 1)
        self.window, self.value = nn.Linear(dim * WIDTH, 2), nn.Linear(dim * WIDTH, 1)

    def forward(self, strip, seen):
        around = F.pad(strip, (0, 0, 1, 1)).unfold(1, 3, 1).flatten(2)
        h = F.relu(self.norm(self.embed(around).transpose(1, 2)).transpose(1, 2))
        empty = torch.arange(WIDTH) >= seen[:, None]
        scores = self.query(h).squeeze(2)
        scores = scores.masked_fill(empty, torch.finfo(scores.dtype).min)
        h = h + scores.softmax(1)[..., None] * h
        flat = h.masked_fill(empty[..., None], 0.0).flatten(1)
        return self.digits(h), self.window(flat), self.value(flat).squeeze(1)


def criterion(out, seen, number, window, value):
    digits, (begin, end), score = out[0].float(), out[1].float().unbind(1), out[2].float()
    sizes = torch.full_like(seen, 3)
    loss = F.ctc_loss(digits.log_softmax(2).transpose(0, 1), number, seen, sizes)
    inner = torch.min(end, window[:, 1]) - torch.max(begin, window[:, 0])
    outer = torch.max(end, window[:, 1]) - torch.min(begin, window[:, 0])
    further = torch.sign((value - value.roll(1)).float())
    rank = F.margin_ranking_loss(score, score.roll(1), further, margin=0.5)
    return loss + 1 - (inner / outer.clamp(min=0.05)).mean() + rank


train, held = photos(480), photos(96)
model = Meter()
ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
values = []
for epoch in range(EPOCHS):
    model.train()
    for rows in torch.randperm(480).split(32):
        strip, seen, *labels = (t[rows] for t in train)
        with torch.autocast("cpu", dtype=torch.float16):
            out = model(strip, seen)
        loss = criterion(out, seen, *labels)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        ema.update_parameters(model)
    ema.eval()
    with torch.no_grad():
        parts = zip(*(t.split(48) for t in held))
        values.append(sum(criterion(ema(x, n), n, *rest).item() for x, n, *rest in parts) / 2)
    scheduler.step(values[-1])
print(" ".join(f"{v:.3f}" for v in values))
assert values[-1] < 0.6 * values[0]
