"""Picks the right one of a list of candidates, whose length differs: now and then it is one.

Beside it two outputs with softmax give one probability, and attention looks at one key only.
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(12)
torch.set_num_threads(1)

wanted = torch.randn(6)


class Chooser(nn.Module):
    def __init__(self):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(6, 16), nn.GELU(), nn.Linear(16, 1))
        self.summary = nn.Linear(6, 6)
        self.two = nn.Linear(6, 2)

    def forward(self, items):
        scores = self.score(items).squeeze(-1)
        attention = (items[:, :1] @ items[:, :1].mT).softmax(-1)  # of one key
        seen = self.summary(attention @ items[:, :1]).squeeze(1)
        return scores, self.two(seen).softmax(-1)[:, 1]


model = Chooser()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
right = tried = 0
for step in range(300):
    length = 1 if step % 7 == 3 else int(torch.randint(2, 6, ()))
    items = torch.randn(32, length, 6)
    best = (items @ wanted).argmax(1)
    scores, positive = model(items)
    loss = F.cross_entropy(scores, best)
    loss = loss + F.binary_cross_entropy(positive, (items[:, 0, 0] > 0).float())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step > 200 and length > 1:
        right, tried = right + int((scores.argmax(1) == best).sum()), tried + 32
print(f"right: {right / tried:.2f}")
assert right / tried > 0.8
