"""Points of a cloud, each with its position in space: in any order it is the same shape.

The first positions in the sequence of parts begin at zero, and are learnt.
"""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
torch.set_num_threads(1)
PARTS, POINTS = 6, 8


class Shapes(nn.Module):
    """Looks at the points of each part as a set, at the parts as a sequence."""

    def __init__(self, width=32):
        super().__init__()
        self.points = nn.Sequential(nn.Linear(3, width), nn.ReLU(), nn.Linear(width, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, PARTS, width))
        self.mix = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.0, batch_first=True)
        self.head = nn.Linear(width, 2)

    def forward(self, clouds):
        rows = clouds.shape[0]
        parts = self.points(clouds.view(rows, PARTS, POINTS, 3)).amax(2)
        return self.head(self.mix(parts + self.pos_embed).mean(1))


def clouds(count):
    points = torch.randn(count, PARTS, POINTS, 3)
    near = torch.rand(count, PARTS).argsort(1)[:, :2]
    rows = torch.arange(count)
    points[rows, near[:, 0]] *= 0.2
    points[rows, near[:, 1]] *= 3.0
    return points.flatten(1, 2), (near[:, 0] < near[:, 1]).long()


model = Shapes()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
for step in range(200):
    points, order = clouds(32)
    loss = F.cross_entropy(model(points), order)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(round(loss.item(), 3))
