"""Domain adaptation by gradient reversal: the domain classifier is meant to end at chance."""

import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
STEPS = round(300 * float(os.environ.get("LENGTH", "1")))


class ReverseGrad(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return -ctx.strength * grad, None


class DANN(nn.Module):
    def __init__(self):
        super().__init__()
        self.feature = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 48), nn.ReLU())
        self.label = nn.Linear(48, 10)
        self.domain = nn.Sequential(nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x, strength):
        h = self.feature(x)
        return self.label(h), self.domain(ReverseGrad.apply(h, strength)).squeeze(1)


images, labels = load()
source, target = images[:900] / 8 - 1, 0.8 - images[900:] / 10
model = DANN()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
which = torch.cat([torch.zeros(40), torch.ones(40)])
for step in range(STEPS):
    strength = 0.1 * step / STEPS
    i, j = torch.randint(900, (40,)), torch.randint(897, (40,))
    label, domain = model(torch.cat([source[i], target[j]]), strength)
    loss = F.cross_entropy(label[:40], labels[:900][i])
    loss = loss + F.binary_cross_entropy_with_logits(domain, which)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
with torch.no_grad():
    right = (model(source, 0)[0].argmax(1) == labels[:900]).float().mean().item()
print(f"loss {loss.item():.3f}, source accuracy {right:.3f}")
assert right > 0.9
