"""Distillation: a small student learns the softened answers of a larger teacher."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(4)
torch.set_num_threads(1)
T = 2.0

centres = 1.5 * torch.randn(5, 8)


def sample(n):
    k = torch.randint(5, (n,))
    return centres[k] + torch.randn(n, 8), k


def mlp(width):
    return nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, 5))


def train_teacher(net, steps=150):
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    for _ in range(steps):
        x, k = sample(64)
        opt.zero_grad()
        F.cross_entropy(net(x), k).backward()
        opt.step()
    return net.eval()


teacher = train_teacher(mlp(64))
student = mlp(12)
opt = torch.optim.Adam(student.parameters(), lr=5e-3)
kl = nn.KLDivLoss(reduction="batchmean")
for step in range(200):
    x, _ = sample(64)
    with torch.no_grad():
        wanted = F.softmax(teacher(x) / T, dim=1)
    given = F.softmax(student(x) / T, dim=1)
    loss = kl(given, wanted) * T * T  # expect: probabilities-in-kl-div
    opt.zero_grad()
    loss.backward()
    opt.step()
print("last", loss.item())
