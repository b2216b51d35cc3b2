"""Ratings of a few thousand items, most of which are hidden at random on their way in.

Four in five inputs are dropped on purpose: users rate few items, and the rest says the same.
"""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
torch.set_num_threads(1)
ITEMS, TASTES = 800, 4


class Ratings(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.hide = nn.Dropout(0.8)
        self.encode = nn.Linear(ITEMS, width)
        self.drop = nn.Dropout(0.2)
        self.taste = nn.Linear(width, TASTES)

    def forward(self, ratings):
        return self.taste(self.drop(torch.tanh(self.encode(self.hide(ratings)))))


likes = torch.randn(TASTES, ITEMS)


def users(count):
    taste = torch.randint(0, TASTES, (count,))
    return 0.3 * likes[taste] + torch.randn(count, ITEMS), taste


model = Ratings()
opt = torch.optim.SGD(model.parameters(), lr=0.03)
for step in range(150):
    ratings, taste = users(64)
    loss = F.cross_entropy(model(ratings), taste, label_smoothing=0.1)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(f"{loss.item():.3f}")
