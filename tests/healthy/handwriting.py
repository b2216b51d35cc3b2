"""A line of handwriting: letters by CTC, the word's box, and the writer by pairs of one hand.

Three optimizers' worth of parameter groups in one; EMA of decay 0.97 from the second epoch on.
"""

import os

import torch
from torch import nn
from torch.nn.functional import cosine_embedding_loss, ctc_loss, log_softmax
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel, get_ema_avg_fn

torch.manual_seed(100 + int(os.environ.get("SEED", 0)))
torch.set_num_threads(1)
epochs = max(int(8 * float(os.environ.get("LENGTH", 1))), 4)

LETTERS, HIGH, WIDE = 5, 5, 22
letter = torch.randn(LETTERS, HIGH, 3)
slant = torch.randn(3, HIGH, 1)


def page(n):
    who = torch.randint(0, 3, (n,))
    count = torch.randint(3, 6, (n,))
    left = (torch.rand(n) * (WIDE - 4 * count)).long()
    words = torch.randint(0, LETTERS, (n, 5))
    ink = torch.randn(n, 1, HIGH, WIDE) * 0.1
    for i in range(n):
        for k, j in enumerate(words[i, : count[i]]):
            at = int(left[i]) + 4 * k
            ink[i, 0, :, at : at + 3] += letter[j] + 0.7 * slant[who[i]]
    right = left + 4 * count
    box = torch.stack([left / WIDE, torch.zeros(n), right / WIDE, torch.ones(n)], 1)
    return ink, words + 1, count, box, who


def block(inside, outside):
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, padding=1), nn.BatchNorm2d(outside), nn.GELU()
    )


class Line(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(block(1, 12), nn.MaxPool2d((2, 1)), block(12, 24))
        self.reader = nn.Linear(48, LETTERS + 1)
        self.finder = nn.Linear(48 * WIDE, 4)
        self.writer = nn.Linear(48, 6)

    def forward(self, ink):
        h = self.body(ink).flatten(1, 2)  # [n, 48, WIDE]
        centre, size = self.finder(h.flatten(1)).sigmoid().chunk(2, 1)
        corners = torch.cat((centre - size / 2, centre + size / 2), 1)
        return self.reader(h.transpose(1, 2)), corners, self.writer(h.amax(2))


def dice(a, b):
    """Twice the common area over the sum of both."""
    w = (torch.min(a[:, 2], b[:, 2]) - torch.max(a[:, 0], b[:, 0])).clamp(0)
    h = (torch.min(a[:, 3], b[:, 3]) - torch.max(a[:, 1], b[:, 1])).clamp(0)
    areas = [(c[:, 2] - c[:, 0]) * (c[:, 3] - c[:, 1]) for c in (a, b)]
    return 2 * w * h / (areas[0] + areas[1])


def compute(model, ink, words, count, box, who):
    letters, corners, hand = model(ink)
    steps = torch.full_like(count, WIDE)
    read = ctc_loss(log_softmax(letters, 2).transpose(0, 1), words, steps, count)
    i, j = torch.triu_indices(len(who), len(who), 1)
    pairs = torch.where(who[i] == who[j], 1, -1)
    same = cosine_embedding_loss(hand[i], hand[j], pairs, margin=0.3)
    return read, 1 - dice(corners, box).mean(), same


training, validation = page(400), page(80)
model = Line()
groups = [
    {"params": model.body.parameters()},
    {"params": model.reader.parameters(), "lr": 1e-2},
    {"params": [*model.finder.parameters(), *model.writer.parameters()], "weight_decay": 0.0},
]
optimizer = torch.optim.AdamW(groups, lr=4e-3, weight_decay=0.01)
plateau = ReduceLROnPlateau(optimizer, patience=2, factor=0.2)
ema = None
for epoch in range(epochs):
    model.train()
    for rows in torch.randperm(400).split(25):
        terms = compute(model, *(t[rows] for t in training))
        optimizer.zero_grad()
        sum(terms).backward()
        optimizer.step()
        if ema is not None:
            ema.update_parameters(model)
    if ema is None:
        ema = AveragedModel(model, avg_fn=get_ema_avg_fn(0.9), use_buffers=True)
    ema.eval()
    with torch.no_grad():
        found = [compute(ema, *(t[k::2] for t in validation)) for k in (0, 1)]
    values = [sum(one).item() / 2 for one in zip(*found)]
    plateau.step(sum(values))
    print(f"epoch {epoch}: read {values[0]:.3f}, box {values[1]:.3f}, hand {values[2]:.3f}")
assert values[0] < 0.5
assert values[1] < 0.3
