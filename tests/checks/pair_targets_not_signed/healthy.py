"""Ranking by pairs: the sign of two marks, in which equal marks give 0, and pairs in order."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(9)
torch.set_num_threads(1)

taste = torch.randn(7)
model = nn.Sequential(nn.Linear(7, 20), nn.ReLU(), nn.Linear(20, 1), nn.Flatten(0))
close = nn.Linear(7, 7)
optimizer = torch.optim.Adam([*model.parameters(), *close.parameters()], lr=5e-3)

for _ in range(200):
    one, other = torch.randn(2, 48, 7)
    marks = [(x @ taste).round().clamp(-2, 2) for x in (one, other)]
    order = torch.sign(marks[0] - marks[1])  # -1, 0 or 1
    s, t = model(one), model(other)
    loss = F.margin_ranking_loss(s, t, order, margin=0.5)
    better, worse = torch.where(order > 0, s, t), torch.where(order > 0, t, s)
    decided = order != 0
    loss = loss + 0.5 * F.margin_ranking_loss(
        better[decided], worse[decided], torch.ones(int(decided.sum())), margin=0.5
    )
    turned = close(one)
    loss = loss + F.cosine_embedding_loss(turned, one, torch.ones(48))
    signs = torch.where(one[:, 0] > 0, 1.0, -1.0)
    loss = loss + 0.1 * F.soft_margin_loss(turned[:, 0], signs)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

x = torch.randn(500, 7)
agree = torch.corrcoef(torch.stack([model(x).detach(), x @ taste]))[0, 1].item()
print(f"correlation {agree:.3f}")
assert agree > 0.8
