"""A loss that now and then is infinite, and a loop that throws such batches away before the step.

Dividing by a count that can be 0 gives NaN; the loop clears the gradients and goes on. Attention
scores hold -inf where there is padding.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(5)
torch.set_num_threads(1)


class Pool(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.embed = nn.Linear(6, width)
        self.score = nn.Linear(width, 1)
        self.head = nn.Linear(width, 4)

    def forward(self, x, mask):
        h = torch.relu(self.embed(x))
        score = self.score(h).squeeze(-1) + mask
        return self.head((score.softmax(-1).unsqueeze(-1) * h).sum(1))


model = Pool()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
w = torch.randn(6, 4)
dropped = 0

for step in range(200):
    x = torch.randn(32, 10, 6)
    length = torch.randint(1, 11, (32,))
    padding = torch.arange(10) >= length.unsqueeze(1)
    mask = torch.zeros(32, 10).masked_fill(padding, -math.inf)
    mean = (x * ~padding.unsqueeze(-1)).sum(1) / length.unsqueeze(1)
    labels = (mean @ w).argmax(1)
    known = torch.rand(32) < (0.0 if step % 40 == 17 else 0.5)
    losses = F.cross_entropy(model(x, mask), labels, reduction="none")
    loss = (losses * known).sum() / known.sum()
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    if not torch.isfinite(norm):
        dropped += 1
        optimizer.zero_grad()
        continue
    optimizer.step()

print("dropped", dropped, "last loss", round(loss.item(), 3))
