"""Self-distillation in the manner of BYOL: predictor, stop-gradient, and a target that is a moving
average.
"""

import copy
import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
EPOCHS = round(8 * float(os.environ.get("LENGTH", "1")))


def mlp(dims):
    a, b, c = dims
    return nn.Sequential(nn.Linear(a, b), nn.BatchNorm1d(b), nn.ReLU(inplace=True), nn.Linear(b, c))


def augment(x):
    x = x.view(-1, 8, 8)
    shift = torch.randint(-1, 2, (2,)).tolist()
    x = torch.roll(x, shift, (1, 2)).flatten(1)
    return (x + 0.2 * torch.randn_like(x)) * (torch.rand_like(x) > 0.1)


def regression_loss(p, z):
    return 2 - 2 * F.cosine_similarity(p, z.detach(), dim=-1).mean()


class BYOL(nn.Module):
    def __init__(self, tau=0.98):
        super().__init__()
        self.tau = tau
        self.online = mlp((64, 128, 32))
        self.predictor = mlp((32, 64, 32))
        self.target = copy.deepcopy(self.online)
        for p in self.target.parameters():
            p.requires_grad = False

    @torch.no_grad()
    def update_target(self):
        for o, t in zip(self.online.parameters(), self.target.parameters(), strict=True):
            t.data = self.tau * t.data + (1 - self.tau) * o.data

    def forward(self, a, b):
        pa, pb = self.predictor(self.online(a)), self.predictor(self.online(b))
        with torch.no_grad():
            ta, tb = self.target(a), self.target(b)
        return regression_loss(pa, tb) + regression_loss(pb, ta)


images, labels = load()
images = images / 8 - 1
byol = BYOL()
optimizer = torch.optim.Adam([*byol.online.parameters(), *byol.predictor.parameters()], lr=2e-3)
for epoch in range(EPOCHS):
    total = 0.0
    for index in torch.randperm(len(images)).split(64):
        if len(index) < 64:
            continue
        loss = byol(augment(images[index]), augment(images[index]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        byol.update_target()
        total += loss.item()
    print(f"epoch {epoch} loss {total / (len(images) // 64):.4f}")

# nearest neighbour on the learnt features
byol.eval()
with torch.no_grad():
    z = F.normalize(byol.online(images), dim=1)
similar = z[1200:] @ z[:1200].T
accuracy = (labels[:1200][similar.argmax(1)] == labels[1200:]).float().mean()
print(f"nearest neighbour accuracy {accuracy:.3f}")
assert accuracy > 0.8
