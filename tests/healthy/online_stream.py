"""Online learning from an endless stream: one pass, one example at a time, the truth drifts half
way.
"""

import os

import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
N = round(2500 * float(os.environ.get("LENGTH", "1")))


class Clicks(IterableDataset):
    """Clicks of visitors whose taste changes after the first half."""

    def __iter__(self):
        taste = torch.tensor([1.0, -2.0, 1.5, 0.0, 0.5, 0.0])
        for i in range(N):
            if i == N // 2:
                taste = torch.tensor([1.0, 0.5, -1.5, 2.0, 0.5, 0.0])
            x = torch.randn(6)
            yield x, (x @ taste + 0.5 * torch.randn(())).gt(0).float()


model = nn.Sequential(nn.Linear(6, 1), nn.Flatten(0))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
loss_fn = nn.BCEWithLogitsLoss()
right = []
for x, y in DataLoader(Clicks(), batch_size=1):
    logit = model(x)  # predict first, learn after
    right.append((logit > 0).eq(y > 0.5).item())
    loss = loss_fn(logit, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("progressive accuracy", sum(right) / N, "at the end", sum(right[-400:]) / 400)
assert sum(right[-400:]) / 400 > 0.8
