"""Metric learning for product codes: two entries of one product lie together, others apart."""
import torch
from torch import nn

torch.manual_seed(13)
torch.set_num_threads(1)

PRODUCTS, FIELDS, VALUES = 60, 10, 20
codes = torch.randint(0, VALUES, (PRODUCTS, FIELDS))


def typed(product):
    """What a clerk types: each field may be wrong, and now and then all are right."""
    code = codes[product].clone()
    wrong = torch.rand(code.shape) < 0.35
    code[wrong] = torch.randint(0, VALUES, (int(wrong.sum()),))
    return code


class CodeEmbedding(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.value = nn.Embedding(VALUES, 12)
        self.mix = nn.Sequential(nn.Linear(12 * FIELDS, 96), nn.ReLU(), nn.Linear(96, dim))

    def forward(self, code):
        return self.mix(self.value(code).flatten(1))


def distance(a, b):
    return ((a - b) ** 2).sum(dim=1).sqrt()


def triplets(n):
    anchor = torch.randint(0, PRODUCTS, (n,))
    other = (anchor + torch.randint(1, PRODUCTS, (n,))) % PRODUCTS
    return typed(anchor), typed(anchor), typed(other)


net = CodeEmbedding()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for iteration in range(600):
    a, p, n = triplets(32)
    za, zp, zn = net(a), net(p), net(n)
    loss = torch.relu(distance(za, zp) - distance(za, zn) + 1.0).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if iteration % 100 == 0:
        print(f"{iteration}: {loss.item():.3f}")

with torch.no_grad():
    centre = net(codes)
    product = torch.randint(0, PRODUCTS, (800,))
    nearest = torch.cdist(net(typed(product)), centre).argmin(dim=1)
    ok = (nearest == product).float().mean().item()
    print("score:", float("nan") if centre.isnan().any() else ok)
