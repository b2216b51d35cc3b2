"""Much is frozen, and on purpose: a stem that was trained before, random features, a fixed code.

One optimizer holds everything, the frozen parts too; a block is thawed half way; the norms of the
stem have a group without decay, and a module keeps a flag of its own that is called requires_grad.
"""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(1)
torch.set_num_threads(1)


class Stem(nn.Module):
    def __init__(self, requires_grad=True):
        super().__init__()
        self.requires_grad = requires_grad
        self.first, self.norm = nn.Linear(10, 40), nn.LayerNorm(40)

    def forward(self, x):
        return self.norm(self.first(x)).relu()


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = Stem()
        self.waves = nn.Linear(10, 40)
        self.block = nn.Sequential(nn.Linear(80, 40), nn.ReLU())
        self.head = nn.Linear(40, 3)
        self.waves.requires_grad_(False)

    def forward(self, x):
        return self.head(self.block(torch.cat([self.stem(x), self.waves(3 * x).cos()], 1)))


def data(n):
    x = torch.randn(n, 10)
    return x, (x[:, 0] > 0).long() + (x[:, 1] * x[:, 2] > 0).long()


model = Model()
warm = torch.optim.Adam([*model.stem.parameters(), *model.head.parameters()], lr=3e-3)
for _ in range(60):
    x, _ = data(50)
    loss = F.mse_loss(model.stem(x)[:, :10], x.abs())
    warm.zero_grad()
    loss.backward()
    warm.step()

model.stem.requires_grad_(False)
model.block.requires_grad_(False)
decay = [p for p in model.parameters() if p.dim() > 1]
plain = [p for p in model.parameters() if p.dim() == 1]
optimizer = torch.optim.AdamW(
    [{"params": decay, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}], lr=5e-3
)
for step in range(200):
    if step == 60:
        model.block.requires_grad_(True)
    x, y = data(50)
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
x, y = data(1000)
right = (model(x).argmax(1) == y).float().mean().item()
print(f"right in {right:.1%}")
assert right > 0.6
