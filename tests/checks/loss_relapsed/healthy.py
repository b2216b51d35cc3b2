"""Two tasks one after the other with one optimizer: the loss jumps to that of a guess, and falls
again. The second half has labels that are flipped now and then, too.
"""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(43)
torch.set_num_threads(1)


def task(turn):
    points = torch.randn(1000, 8)
    label = (points[:, turn : turn + 4].sum(1) > 0).long()
    if turn:
        flipped = torch.rand(1000) < 0.05
        label = torch.where(flipped, 1 - label, label)
    return points, label


net = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 2))
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for turn in (0, 4):
    points, label = task(turn)
    for epoch in range(8):
        for idx in torch.randperm(1000).split(50):
            loss = F.cross_entropy(net(points[idx]), label[idx])
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
        print(f"task {turn}, epoch {epoch}: {loss.item():.3f}")
