"""Elastic weight consolidation: the Fisher information of two tasks, and training in between.

Kirkpatrick et al. 2017. Passes without a step come before the first step and after the last one,
and the optimizer of the frozen part is built but has nothing to do.
"""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)

x = torch.randn(400, 10)
tasks = [(x[:, :5].sum(1) > 0).long(), (x[:, 5:].sum(1) > 0).long()]
body, head = nn.Sequential(nn.Linear(10, 32), nn.ReLU()), nn.Linear(32, 2)
model = nn.Sequential(body, head)
body.requires_grad_(False)
slow = torch.optim.SGD(body.parameters(), lr=1e-4)
fast = torch.optim.Adam(head.parameters(), lr=1e-2)
loss_fn = nn.CrossEntropyLoss()


def fisher(labels):
    found = [torch.zeros_like(p) for p in head.parameters()]
    for i in range(len(x)):
        fast.zero_grad()
        loss_fn(model(x[i : i + 1]), labels[i : i + 1]).backward()
        for total, p in zip(found, head.parameters()):
            total += p.grad.square() / len(x)
    return found


importance = fisher(tasks[0])
start = [p.detach().clone() for p in head.parameters()]
for epoch in range(12):
    for rows in torch.randperm(len(x)).split(40):
        fast.zero_grad()
        loss = loss_fn(model(x[rows]), tasks[1][rows])
        for weight, p, p0 in zip(importance, head.parameters(), start):
            loss = loss + (weight * (p - p0).square()).sum()
        loss.backward()
        fast.step()
importance = fisher(tasks[1])
accuracy = (model(x).argmax(1) == tasks[1]).float().mean().item()
print(f"accuracy {accuracy:.2f}, largest importance {max(f.max() for f in importance):.3g}")
assert accuracy > 0.8
