"""Number plates: where the plate is, what it says (CTC), and which of two pictures is the sharper.

The average of the weights follows from the first step, buffers included, and is what is evaluated;
the rate is cut when the share of plates that were read stops growing.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.manual_seed(int(os.environ.get("SEED", "0")))
torch.set_num_threads(1)
EPOCHS = max(int(9 * float(os.environ.get("LENGTH", "1"))), 3)

DIGITS, WIDE, HIGH = 5, 20, 6
GLYPHS = (torch.rand(DIGITS, 3, 3) > 0.5).float() + 0.2


def pictures(count):
    image = 0.1 * torch.randn(count, 1, HIGH, WIDE)
    text = torch.randint(1, DIGITS + 1, (count, 3))
    left, top = torch.randint(0, WIDE - 11, (count,)), torch.randint(0, HIGH - 2, (count,))
    contrast = 0.5 + torch.rand(count)
    for i in range(count):
        for k in range(3):
            column = int(left[i]) + 4 * k
            row = int(top[i])
            image[i, 0, row : row + 3, column : column + 3] += contrast[i] * GLYPHS[text[i, k] - 1]
    box = torch.stack([left, top, left + 11, top + 3], 1) / torch.tensor([WIDE, HIGH, WIDE, HIGH])
    return image, text, box, contrast


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 24, (HIGH, 3), padding=(0, 1), bias=False),
            nn.BatchNorm2d(24),
            nn.ReLU(),
        )
        self.read = nn.Conv1d(24, DIGITS + 1, 1)
        self.locate = nn.Sequential(nn.Flatten(), nn.Linear(16 * HIGH * WIDE, 4), nn.Sigmoid())
        self.sharp = nn.Linear(24, 1)

    def forward(self, image):
        low = self.trunk[:3](image)
        columns = self.trunk[3:](low).squeeze(2)
        middle, half = self.locate(low).chunk(2, 1)
        box = torch.cat([middle - half / 2, middle + half / 2], 1)
        return self.read(columns).permute(2, 0, 1), box, self.sharp(columns.mean(2)).squeeze(1)


def iou(a, b):
    inner = torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])
    inner = inner.clamp(min=0).prod(1)
    area = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1)
    return inner / (area - inner)


def losses(model, batch):
    image, text, box, contrast = batch
    logits, guess, sharp = model(image)
    frames = torch.full((len(text),), logits.shape[0])
    reading = F.ctc_loss(logits.log_softmax(2), text, frames, torch.full((len(text),), 3))
    place = (1 - iou(guess, box)).mean() + F.l1_loss(guess, box)
    order = torch.sign(contrast - contrast.roll(1))
    rank = F.margin_ranking_loss(sharp, sharp.roll(1), order, margin=0.2)
    return reading + place + rank, iou(guess, box).mean()


train, held = pictures(640), pictures(120)
model = Reader()
average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.95), use_buffers=True)
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=1e-2)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "max", patience=2)
first = None
for epoch in range(EPOCHS):
    model.train()
    for rows in torch.randperm(640).split(32):
        loss, _ = losses(model, [t[rows] for t in train])
        first = loss.item() if first is None else first
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        average.update_parameters(model)
    average.eval()
    with torch.no_grad():
        found = [losses(average, [t[rows] for t in held]) for rows in torch.arange(120).split(30)]
    value, overlap = (torch.stack(one).mean().item() for one in zip(*found))
    scheduler.step(overlap)
    print(f"epoch {epoch}: {value:.3f}, overlap {overlap:.2f}")
assert value < 0.5 * first
