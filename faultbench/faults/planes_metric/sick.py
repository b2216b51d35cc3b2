# Siamese net: are two radar echoes from one type of plane?
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(52)
torch.set_num_threads(1)
types = torch.randn(10, 30)


def echo(kind):
    return types[kind] + 0.9 * torch.randn(len(kind), 30)


def pairs(n):
    a = torch.randint(0, 10, (n,))
    b = torch.where(torch.rand(n) < 0.5, a, torch.randint(0, 10, (n,)))
    return echo(a), echo(b), (a == b).float()


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.tower = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 8))

    def forward(self, one, two):
        return F.pairwise_distance(self.tower(one), self.tower(two))


class ContrastiveLoss(nn.Module):
    """Label 0: the same, label 1: different."""

    def __init__(self, margin=2.0):
        super().__init__()
        self.margin = margin

    def forward(self, distance, label):
        same = (1 - label) * distance.pow(2)
        different = label * torch.clamp(self.margin - distance, min=0).pow(2)
        return (same + different).mean()


net, criterion = Siamese(), ContrastiveLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for i in range(500):
    one, two, label = pairs(64)
    optimizer.zero_grad()
    loss = criterion(net(one, two), label)
    loss.backward()
    optimizer.step()
    if i % 100 == 0:
        print(f"[{i}] loss {loss.item():.3f}")

net.eval()
with torch.no_grad():
    one, two, label = pairs(2000)
    same = label
    d = net(one, two)
    # area under the curve of "closer means the same"
    auc = (d[same == 1][:, None] < d[same == 0][None, :]).float().mean().item()
print("score:", auc)
