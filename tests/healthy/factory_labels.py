"""Labels on parcels: codes by CTC, spans in pixels, urgency by pairs; a callback averages.

The rate is cut by a score that is to be large, so the plateau gets its negative.
"""

import os
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(int(os.environ.get("SEED", "0")))
torch.set_num_threads(1)
STEPS = max(int(140 * float(os.environ.get("LENGTH", "1"))), 80)
T, CODES = 24, 4
mark = torch.randn(CODES, 7)


def parcels(n):
    code, urgent = torch.randint(0, CODES, (n, 4)), torch.rand(n)
    at = torch.randint(0, T - 12, (n,))
    x = 0.1 * torch.randn(n, T, 7)
    for k in range(4):
        x[torch.arange(n), at + 3 * k] += mark[code[:, k]]
        x[torch.arange(n), at + 3 * k + 1] += (1 + urgent[:, None]) * mark[code[:, k]]
    return x, code + 1, torch.stack([at, at + 12], 1).float(), urgent


class Averaging:
    """Keeps an average of everything that a model's state has."""

    def __init__(self, build: Callable[[], nn.Module], model: nn.Module, half_life: float):
        self.copy = build()
        self.copy.load_state_dict(model.state_dict())
        self.weight = 1 - 0.5 ** (1 / half_life)

    @torch.no_grad()
    def __call__(self, model: nn.Module) -> None:
        for mine, theirs in zip(self.copy.state_dict().values(), model.state_dict().values()):
            if mine.is_floating_point():
                mine.lerp_(theirs, self.weight)
            else:
                mine.copy_(theirs)


class Labels(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv1d(7, 28, 3, padding=1)
        self.na, self.nb = nn.BatchNorm1d(28), nn.BatchNorm1d(28)
        self.b = nn.Conv1d(28, 28, 1)
        self.code = nn.Conv1d(28, CODES + 1, 1)
        self.where = nn.Linear(28 * T, 2)
        self.urgent = nn.Linear(28, 1)

    def forward(self, x):
        h = self.na(self.a(x.transpose(1, 2))).relu()
        h = (h + self.nb(self.b(h))).relu()
        middle, half = self.where(h.flatten(1)).sigmoid().chunk(2, 1)
        return (
            self.code(h),
            T * torch.cat([middle - half, middle + half], 1),
            self.urgent(h.mean(2)).view(-1),
        )


def evaluate(out, code, span, urgent):
    logits, guess, score = out
    n = len(code)
    ctc = F.ctc_loss(logits.log_softmax(1).permute(2, 0, 1), code, [T] * n, [4] * n)
    common = torch.min(guess[:, 1], span[:, 1]) - torch.max(guess[:, 0], span[:, 0])
    width = torch.max(guess[:, 1], span[:, 1]) - torch.min(guess[:, 0], span[:, 0])
    iou = common.clamp(min=0) / width
    pairs = torch.combinations(torch.arange(n)[:12])
    i, j = pairs.T
    more = torch.where(urgent[i] > urgent[j], 1.0, -1.0)
    ends = F.smooth_l1_loss(guess, span) + (1 - iou).mean()
    return ctc + ends + F.margin_ranking_loss(score[i], score[j], more, 0.2), iou.mean()


model = Labels()
average = Averaging(Labels, model, half_life=8)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2)
held, first = parcels(96), None
for step in range(1, STEPS + 1):
    x, *labels = parcels(32)
    loss, _ = evaluate(model(x), *labels)
    first = loss.item() if first is None else first
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()
    average(model)
    if step % 20 == 0:
        average.copy.eval()
        with torch.no_grad():
            parts = [
                evaluate(average.copy(x), *rest) for x, *rest in zip(*(t.split(48) for t in held))
            ]
        value, iou = (sum(one).item() / 2 for one in zip(*parts))
        plateau.step(-iou)
        print(f"step {step}: {value:.3f}, overlap {iou:.2f}")
assert value < 0.5 * first
