"""Fine-tuning: a pretrained classifier meets shifted data, at a small rate on purpose."""

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(0)

centres = torch.randn(8, 24)


def draw(size, shift):
    y = torch.randint(0, 8, (size,))
    return centres[y] + shift + 0.7 * torch.randn(size, 24), y


net = nn.Sequential(nn.Linear(24, 64), nn.Tanh(), nn.Linear(64, 8))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(200):
    x, y = draw(64, 0.0)
    opt.zero_grad()
    F.cross_entropy(net(x), y).backward()
    opt.step()

for group in opt.param_groups:
    group["lr"] = 1e-3
for step in range(200):
    x, y = draw(64, 0.3)
    opt.zero_grad()
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    opt.step()
print(f"loss {loss.item():.3f}")
