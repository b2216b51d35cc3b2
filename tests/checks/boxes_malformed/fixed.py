"""Finds the bright rectangle of a small picture; the labels are two corners."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
SIZE = 16


def draw(n):
    images = 0.1 * torch.randn(n, 1, SIZE, SIZE)
    corner = torch.randint(0, 10, (n, 2))
    size = torch.randint(3, 7, (n, 2))
    for image, (x, y), (w, h) in zip(images, corner.tolist(), size.tolist(), strict=True):
        image[0, y : y + h, x : x + w] += 1
    return images, torch.cat([corner, corner + size], dim=1).float() / SIZE


def iou(a, b):
    left_top = torch.max(a[:, :2], b[:, :2])
    right_bottom = torch.min(a[:, 2:], b[:, 2:])
    overlap = (right_bottom - left_top).clamp(min=0).prod(1)
    area_a = (a[:, 2:] - a[:, :2]).clamp(min=0).prod(1)
    area_b = (b[:, 2:] - b[:, :2]).clamp(min=0).prod(1)
    return overlap / (area_a + area_b - overlap + 1e-6)


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(),
            nn.Linear(8 * 64, 64), nn.ReLU(), nn.Linear(64, 4),
        )  # fmt: skip

    def forward(self, x):
        return torch.sigmoid(self.net(x))


model = Detector()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(150):
    images, boxes = draw(32)
    predicted = model(images)
    loss = (1 - iou(predicted, boxes)).mean() + nn.functional.l1_loss(predicted, boxes)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, round(loss.item(), 3))
