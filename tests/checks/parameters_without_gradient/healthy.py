"""Self-supervision with a slow teacher inside the model, all of it given to one optimizer.

The teacher is called without gradients and keeps none; it follows the student by a moving average
(BYOL, Grill et al. 2020). A head that only watches how good the features are has a loss of its own,
on features that are detached, and one expert of two is never chosen.
"""

import copy

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(5)
torch.set_num_threads(1)


class SelfTaught(nn.Module):
    def __init__(self):
        super().__init__()
        self.student = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 8))
        self.teacher = copy.deepcopy(self.student)
        self.predict = nn.ModuleList([nn.Linear(8, 8), nn.Linear(8, 8)])
        self.watch = nn.Linear(8, 3)

    def forward(self, one, other, expert):
        features = self.student(one)
        with torch.no_grad():
            wanted = self.teacher(other)
        guess = self.predict[expert](features)
        return 1 - F.cosine_similarity(guess, wanted).mean(), self.watch(features.detach())

    @torch.no_grad()
    def follow(self, decay=0.98):
        for slow, fast in zip(self.teacher.parameters(), self.student.parameters()):
            slow.lerp_(fast, 1 - decay)


kind = torch.randint(0, 3, (900,))
x = torch.randn(3, 12)[kind] + 0.3 * torch.randn(900, 12)
model = SelfTaught()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(240):
    rows = torch.randint(0, 900, (60,))
    views = (x[rows] + 0.1 * torch.randn(60, 12) for _ in range(2))
    alike, seen = model(*views, expert=0)
    loss = alike + F.cross_entropy(seen, kind[rows])
    opt.zero_grad()
    loss.backward()
    opt.step()
    model.follow()
    if step % 60 == 0:
        right = seen.argmax(1).eq(kind[rows]).float().mean()
        print(f"{step}: {alike.item():.3f}, watched {right:.2f}")
