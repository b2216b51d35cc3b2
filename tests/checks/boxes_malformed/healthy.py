"""Boxes by centre and size that are converted before the overlap, spans of time, padded labels.

The untrained network's corners are reversed at first, labels are padded with empty boxes, and the
enclosing box of a generalised IoU is a greater end less a lesser one.
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)
torch.set_num_threads(1)


def corners(boxes):
    centre, size = boxes.chunk(2, -1)
    return torch.cat([centre - size / 2, centre + size / 2], -1)


def generalised(a, b):
    inner = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).relu()
    outer = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    overlap, hull = inner.prod(-1), outer.clamp(min=1e-6).prod(-1)
    union = sum((x[..., 2:] - x[..., :2]).clamp(min=0).prod(-1) for x in (a, b)) - overlap
    return overlap / union.clamp(min=1e-6) - (hull - union) / hull


net = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 8))
spans = nn.Linear(12, 2)
optimizer = torch.optim.Adam([*net.parameters(), *spans.parameters()], lr=5e-3)
for _ in range(200):
    boxes = torch.cat([torch.rand(64, 2, 2), 0.2 + 0.5 * torch.rand(64, 2, 2)], -1)
    boxes[::4, 1] = 0  # only one box in this picture
    there = (boxes[..., 2] > 0).float()
    seen = torch.cat([boxes.flatten(1), boxes.flatten(1)[:, ::2]], 1) + 0.01 * torch.randn(64, 12)
    predicted = net(seen).view(64, 2, 4)
    wanted = corners(boxes)
    loss = ((1 - generalised(predicted, wanted)) * there).sum() / there.sum()
    loss = loss + F.smooth_l1_loss(predicted * there[..., None], wanted * there[..., None])
    first, last = spans(seen).unbind(1)
    begin, end = boxes[:, 0, 0] - 0.1, boxes[:, 0, 0] + boxes[:, 0, 2]
    shared = (torch.min(last, end) - torch.max(first, begin)).clamp(min=0)
    loss = loss - (shared / (torch.max(last, end) - torch.min(first, begin))).mean()
    loss = loss + 0.1 * ((first - begin) ** 2 + (last - end) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.3f}")
assert loss.item() < 0.5
