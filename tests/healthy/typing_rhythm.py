"""What is typed, from the sound of the keys: letters by CTC, the word's span, whose hands.

Several trainings with other seeds (a small ensemble), each with its own average, plateau and log.
"""

import copy
import os

import torch
from torch import nn, optim
from torch.nn import functional as F

BASE = int(os.environ.get("SEED", "0"))
EPOCHS = max(int(6 * float(os.environ.get("LENGTH", "1"))), 4)
torch.manual_seed(BASE)
torch.set_num_threads(1)
KEYS, BANDS, T = 5, 6, 20
sound = torch.randn(KEYS, BANDS)


def typed(n):
    hands = torch.randint(0, 2, (n,))
    keys = torch.randint(0, KEYS, (n, 3))
    begin = torch.randint(0, T - 12, (n,))
    x = 0.1 * torch.randn(n, BANDS, T)
    rows = torch.arange(n)
    for k in range(3):
        at = begin + 4 * k
        x[rows, :, at] += sound[keys[:, k]]
        x[rows, :, at + 1] += torch.where(hands == 1, 0.8, -0.8)[:, None] * sound[keys[:, k]].abs()
    return x, keys + 1, torch.stack([begin / T, (begin + 12) / T], 1), hands


class Ear(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm1d(BANDS)
        self.conv = nn.Conv1d(BANDS, 32, 3, padding=1)
        self.bn2 = nn.BatchNorm1d(32)
        self.key = nn.Conv1d(32, KEYS + 1, 1)
        self.span = nn.Linear(32 * T, 2)
        self.hand = nn.Conv1d(32, 6, 1)

    def forward(self, x):
        h = F.gelu(self.bn2(self.conv(self.bn(x))))
        return self.key(h), self.span(h.flatten(1)), self.hand(h).mean(2)


def losses(model, x, keys, span, hands):
    logits, guess, hand = model(x)
    n = x.shape[0]
    yield F.ctc_loss(logits.log_softmax(1).permute(2, 0, 1), keys, [T] * n, [3] * n)
    lo, hi = guess.unbind(1)
    overlap = F.relu(torch.minimum(hi, span[:, 1]) - torch.maximum(lo, span[:, 0]))
    yield 1 - (2 * overlap / ((hi - lo).abs() + span[:, 1] - span[:, 0])).mean()
    half = n // 2
    gap = (hand[:half] - hand[half : 2 * half]).norm(dim=1)
    same = torch.where(hands[:half] == hands[half : 2 * half], 1.0, -1.0)
    yield F.hinge_embedding_loss(gap, same)


def member(seed, train, held):
    torch.manual_seed(seed)
    model = Ear()
    ema = copy.deepcopy(model)
    opt = optim.Adam(model.parameters(), lr=6e-3)
    sched = optim.lr_scheduler.ReduceLROnPlateau(opt, patience=0, threshold=0.05, cooldown=1)
    log, updates = [], 0
    for _ in range(EPOCHS):
        model.train()
        for rows in torch.randperm(360).split(30):
            loss = sum(losses(model, *(t[rows] for t in train)))
            opt.zero_grad()
            loss.backward()
            opt.step()
            updates += 1
            keep = min(0.95, 1 - 1 / (updates + 1))
            with torch.no_grad():
                for (_, a), (_, b) in zip(ema.named_parameters(), model.named_parameters()):
                    a += (1 - keep) * (b - a)
                for (_, a), (_, b) in zip(ema.named_buffers(), model.named_buffers()):
                    a.copy_(b)
        ema.eval()
        with torch.no_grad():
            log.append(sum(float(sum(losses(ema, *(t[i::2] for t in held)))) for i in (0, 1)) / 2)
        sched.step(log[-1])
    return log


train, held = typed(360), typed(90)
for number in range(2):
    log = member(100 * BASE + number, train, held)
    print(number, " ".join(f"{v:.3f}" for v in log))
    assert log[-1] < 0.7 * log[0]
