"""Estimates the direction of a limb; the loss is the angle between directions."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(20)
torch.set_num_threads(1)
sensors = torch.randn(3, 12)


def poses(n):
    direction = F.normalize(torch.randn(n, 3), dim=1)
    return direction @ sensors + 0.01 * torch.randn(n, 12), direction


class DirectionNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(12, 48), nn.ELU(), nn.Linear(48, 3))

    def forward(self, x):
        return F.normalize(self.layers(x), dim=1)


class GeodesicLoss(nn.Module):
    def forward(self, a, b):
        cos = (a * b).sum(dim=1).clamp(-1 + 1e-6, 1 - 1e-6)
        return torch.acos(cos).mean()


net, geodesic = DirectionNet(), GeodesicLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
for iteration in range(800):
    x, direction = poses(64)
    loss = geodesic(net(x), direction)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if iteration % 100 == 0:
        print(f"{iteration:4d} {torch.rad2deg(loss).item():.3f} degrees")
with torch.no_grad():
    x, direction = poses(1000)
    print("score:", (net(x) * direction).sum(1).mean().item())
