"""A detection head: finds the box of the bright object in a feature map."""

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Batch(NamedTuple):
    image: Tensor
    box: Tensor  # cx, cy, w, h as shares of the image


def box_cxcywh_to_xyxy(b: Tensor) -> Tensor:
    cx, cy, w, h = b.unbind(-1)
    return torch.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], dim=-1)


def area(b: Tensor) -> Tensor:
    return (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])


def iou_and_hull(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    lt, rb = torch.max(a[:, :2], b[:, :2]), torch.min(a[:, 2:], b[:, 2:])
    wh = (rb - lt).clamp(min=0)
    inter = wh[:, 0] * wh[:, 1]
    union = area(a) + area(b) - inter
    lt, rb = torch.min(a[:, :2], b[:, :2]), torch.max(a[:, 2:], b[:, 2:])
    hull = (rb - lt).clamp(min=0)
    return inter / union, union, hull[:, 0] * hull[:, 1]


def generalized_box_iou(a: Tensor, b: Tensor) -> Tensor:
    """Of boxes as x1, y1, x2, y2."""
    iou, union, hull = iou_and_hull(a, b)
    return iou - (hull - union) / hull


def make_batch(n: int) -> Batch:
    size = 0.2 + 0.3 * torch.rand(n, 2)
    centre = size / 2 + (1 - size) * torch.rand(n, 2)
    box = torch.cat([centre, size], dim=1)
    x1, y1, x2, y2 = box_cxcywh_to_xyxy(box).unbind(-1)
    grid = (torch.arange(16) + 0.5) / 16
    inside_x = (grid > x1[:, None]) & (grid < x2[:, None])
    inside_y = (grid > y1[:, None]) & (grid < y2[:, None])
    image = (inside_y[:, :, None] & inside_x[:, None, :]).float()
    return Batch((image + 0.2 * torch.randn(n, 16, 16)).unsqueeze(1), box)


class BoxHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1, stride=2), nn.ReLU(), nn.Conv2d(12, 16, 3, padding=1, stride=2), nn.ReLU()
        )
        self.box = nn.Sequential(nn.Flatten(), nn.Linear(16 * 16, 64), nn.ReLU(), nn.Linear(64, 4))

    def forward(self, image: Tensor) -> Tensor:
        return self.box(self.body(image)).sigmoid()


class BoxLoss(nn.Module):
    def forward(self, out: Tensor, target: Tensor) -> Tensor:
        giou = generalized_box_iou(out, target)
        return (1 - giou).mean()


if __name__ == "__main__":
    torch.manual_seed(3)
    torch.set_num_threads(1)
    head, criterion = BoxHead(), BoxLoss()
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=1e-4)
    for step in range(400):
        batch = make_batch(32)
        loss = criterion(head(batch.image), batch.box)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            print(f"step {step:3d} loss {loss.item():.3f}")
    head.eval()
    with torch.no_grad():
        batch = make_batch(500)
        iou, *_ = iou_and_hull(box_cxcywh_to_xyxy(head(batch.image)), box_cxcywh_to_xyxy(batch.box))
    print(f"score: {iou.mean().item():.4f}")
