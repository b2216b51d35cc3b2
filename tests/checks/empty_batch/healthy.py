"""Counting cells: patches without one are common, and what is summed over none is 0.

The offset of a cell from the middle is learnt where there is a cell; now and then a batch has
none, and its sum over nothing, divided by one at least, adds nothing to the loss.
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(13)
torch.set_num_threads(1)


def patches(count):
    has_cell = torch.rand(count) < 0.15
    offset = torch.rand(count, 2) - 0.5
    grid = torch.linspace(-1, 1, 8)
    x, y = torch.meshgrid(grid, grid, indexing="xy")
    squared = (x - offset[:, :1, None]) ** 2 + (y - offset[:, 1:, None]) ** 2
    image = 0.1 * torch.randn(count, 8, 8) + has_cell[:, None, None] * torch.exp(-squared / 0.1)
    return image, has_cell, offset


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 48), nn.ReLU())
        self.cell, self.offset = nn.Linear(48, 1), nn.Linear(48, 2)

    def forward(self, image):
        h = self.body(image)
        return self.cell(h).squeeze(1), self.offset(h)


model = Detector()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
empty = 0
for step in range(400):
    image, has_cell, offset = patches(12)
    logit, guess = model(image)
    found = F.smooth_l1_loss(guess[has_cell], offset[has_cell], reduction="sum")
    loss = F.binary_cross_entropy_with_logits(logit, has_cell.float())
    loss = loss + found / has_cell.sum().clamp(min=1)
    empty += int(not has_cell.any())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

with torch.no_grad():
    image, has_cell, offset = patches(500)
    logit, guess = model(image)
    accuracy = ((logit > 0) == has_cell).float().mean().item()
print(f"{empty} batches without a cell, accuracy {accuracy:.2f}")
assert empty > 10
assert accuracy > 0.9, "this script is right, and learns"
