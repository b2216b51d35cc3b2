"""Receipts: amounts by CTC, several boxes a picture (some empty), which of two sums is the larger.

The generalised IoU of DETR, on labels given as centre and size; an average by `torch._foreach`.
"""

import os
from functools import partial

import torch
from torch import Tensor, nn

torch.manual_seed(int(os.environ.get("SEED", "0")) + 11)
torch.set_num_threads(1)
STEPS = max(int(150 * float(os.environ.get("LENGTH", "1"))), 75)
W, BAND = 24, 6
ink = torch.randn(4, BAND) * 1.5


def scan(n: int) -> tuple[Tensor, ...]:
    paper = 0.1 * torch.randn(n, W, BAND)
    digits = torch.randint(0, 4, (n, 4))
    first = torch.randint(0, 3, (n,))
    second = first + 12
    for k in range(4):
        at = (first if k < 2 else second) + 3 * (k % 2)
        for j in (0, 1):
            paper[torch.arange(n), at + j] += ink[digits[:, k]]
    boxes = torch.stack(
        [(first + 3) / W, torch.full((n,), 0.5), torch.full((n,), 6 / W), torch.ones(n)], 1
    )
    other = boxes + torch.tensor([12 / W, 0, 0, 0])
    labels = torch.stack([boxes, other, torch.zeros_like(boxes)], 1)  # the third is padding
    return paper, digits + 1, labels, digits.sum(1)


def to_corners(boxes: Tensor) -> Tensor:
    cx, cy, w, h = boxes.unbind(-1)
    return torch.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], -1)


def giou(a: Tensor, b: Tensor) -> Tensor:
    wh = (torch.min(a[..., 2:], b[..., 2:]) - torch.max(a[..., :2], b[..., :2])).clamp(min=0)
    inter = wh[..., 0] * wh[..., 1]
    area = [(c[..., 2] - c[..., 0]) * (c[..., 3] - c[..., 1]) for c in (a, b)]
    union = area[0] + area[1] - inter
    hull = (torch.max(a[..., 2:], b[..., 2:]) - torch.min(a[..., :2], b[..., :2])).prod(-1)
    return inter / union.clamp(min=1e-4) - (hull - union) / hull.clamp(min=1e-4)


class Scanner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        conv = partial(nn.Conv1d, kernel_size=3, padding=1)
        self.body = nn.Sequential(
            conv(BAND, 32),
            nn.BatchNorm1d(32),
            nn.CELU(),
            conv(32, 32),
            nn.BatchNorm1d(32),
            nn.CELU(),
        )
        self.digit, self.boxes, self.sum = (
            nn.Conv1d(32, 5, 1),
            nn.Linear(32 * W, 12),
            nn.Linear(32, 1),
        )

    def forward(self, paper: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = self.body(paper.mT)
        return self.digit(h), self.boxes(h.flatten(1)).view(-1, 3, 4).sigmoid(), self.sum(h.mean(2))


ctc = nn.CTCLoss(blank=0)
rank = nn.MarginRankingLoss(0.5)


def criterion(out: tuple[Tensor, ...], digits: Tensor, labels: Tensor, total: Tensor) -> Tensor:
    logits, boxes, score = out
    n = len(digits)
    text = ctc(logits.log_softmax(1).permute(2, 0, 1), digits, [W] * n, [4] * n)
    real = (labels[..., 2] > 0).float()
    match = 1 - giou(to_corners(boxes), to_corners(labels))
    shape = (boxes - labels).abs().sum(-1)
    score = score.squeeze(1)
    apart = total != total.roll(1)
    larger = torch.where(total > total.roll(1), 1.0, -1.0)
    order = rank(score[apart], score.roll(1)[apart], larger[apart])
    return text + ((match + shape) * real).sum() / real.sum() + order


model, average = Scanner(), Scanner()
average.load_state_dict(model.state_dict())
average.requires_grad_(False)
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1, factor=0.5)
held, curve = scan(128), []
for step in range(STEPS):
    paper, *labels = scan(32)
    loss = criterion(model(paper), *labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 0.1)
        for slow, fast in zip(average.buffers(), model.buffers(), strict=True):
            slow.copy_(fast)
    if (step + 1) % 15 == 0:
        average.eval()
        with torch.no_grad():
            values = [
                criterion(average(p), *rest) for p, *rest in zip(*(t.split(64) for t in held))
            ]
        curve.append(torch.stack(values).mean().item())
        plateau.step(curve[-1])
print(" ".join(f"{v:.3f}" for v in curve))
assert curve[-1] < 0.6 * curve[0]
