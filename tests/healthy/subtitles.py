"""Subtitles burnt into video: the text by CTC, its box by distances to four sides, its language.

A detector of points (FCOS): each point tells how far left, top, right and bottom its box reaches;
the weights of all points inside are learnt. Two steps of gradients make one step.
"""

import copy
import os

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(int(os.environ.get("SEED", "0")) + 3)
torch.set_num_threads(1)
EPOCHS = max(int(7 * float(os.environ.get("LENGTH", "1"))), 4)
H, W, CHARS = 6, 18, 4
ROWS, COLUMNS = torch.meshgrid(torch.arange(H) + 0.5, torch.arange(W) + 0.5, indexing="ij")
shapes = torch.randn(2, CHARS, 2, 2)


def video(n):
    frame = 0.3 * torch.randn(n, 1, H, W)
    language = torch.randint(0, 2, (n,))
    text = torch.randint(0, CHARS, (n, 3))
    x, y = torch.randint(0, W - 9, (n,)), torch.randint(0, H - 1, (n,))
    for i in range(n):
        for k in range(3):
            c, r = int(x[i]) + 3 * k, int(y[i])
            frame[i, 0, r : r + 2, c : c + 2] += 2 * shapes[language[i], text[i, k]]
    return frame, text + 1, torch.stack([x, y, x + 9, y + 2], 1).float(), language


class Points(nn.Module):
    def __init__(self):
        super().__init__()
        layers = []
        for i, o in ((1, 16), (16, 24), (24, 24)):
            layers += [nn.Conv2d(i, o, 3, padding=1, bias=False), nn.BatchNorm2d(o), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.sides, self.chars = nn.Conv2d(24, 4, 1), nn.Conv2d(24, CHARS + 1, 1)
        self.language = nn.Linear(24, 4)

    def forward(self, frame):
        h = self.features(frame)
        return F.softplus(self.sides(h)), self.chars(h).amax(2), self.language(h.amax((2, 3)))


def criterion(out, text, box, language):
    sides, chars, voice = out
    left, top, right, bottom = sides.unbind(1)
    mine = torch.stack([COLUMNS - left, ROWS - top, COLUMNS + right, ROWS + bottom], -1)
    all_ = box[:, None, None, :].expand_as(mine)
    inside = (COLUMNS > all_[..., 0]) & (COLUMNS < all_[..., 2])
    inside &= (ROWS > all_[..., 1]) & (ROWS < all_[..., 3])
    a, z = mine[inside], all_[inside]
    overlap = (torch.min(a[:, 2:], z[:, 2:]) - torch.max(a[:, :2], z[:, :2])).clamp(min=0).prod(-1)
    union = (a[:, 2:] - a[:, :2]).prod(-1) + (z[:, 2:] - z[:, :2]).prod(-1) - overlap
    n = len(text)
    ctc = F.ctc_loss(chars.log_softmax(1).permute(2, 0, 1), text, [W] * n, [3] * n)
    distance = F.pairwise_distance(voice, voice.roll(1, 0))
    same = (language == language.roll(1)).float() * 2 - 1
    return (
        ctc
        - (overlap / union).clamp(min=1e-3).log().mean()
        + F.hinge_embedding_loss(distance, same)
    )


train, test = video(480), video(96)
model = Points()
ema = copy.deepcopy(model).eval()
optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, min_lr=1e-4)
scores = []
for epoch in range(EPOCHS):
    model.train()
    for i, rows in enumerate(torch.randperm(480).split(16)):
        frame, *labels = (t[rows] for t in train)
        (criterion(model(frame), *labels) / 2).backward()
        if i % 2:
            optimizer.step()
            optimizer.zero_grad()
            for old, new in zip(ema.parameters(), model.parameters()):
                old.data = old.data * 0.9 + new.data * 0.1
            for old, new in zip(ema.buffers(), model.buffers()):
                old.data = new.data.clone()
    ema.eval()
    with torch.no_grad():
        scores.append(
            sum(criterion(ema(f), *rest).item() for f, *rest in zip(*(t.split(32) for t in test)))
        )
    scheduler.step(scores[-1])
    print(f"epoch {epoch}: {scores[-1] / 3:.3f}")
assert scores[-1] < 0.75 * scores[0]
