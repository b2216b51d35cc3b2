"""A multi-label network whose head starts at zero, with soft labels from a teacher.

Its logits all lie between 0 and 1 at the start, gates inside are sigmoids, the teacher's sigmoid
makes the targets, and probabilities are read only for a metric.
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(5)
torch.set_num_threads(1)

TAGS = 6
mixing = torch.randn(10, TAGS)


def batch(n=64):
    x = torch.randn(n, 10)
    return x, (x @ mixing > 0).float()


def network():
    return nn.Sequential(nn.Linear(10, 40), nn.Sigmoid(), nn.Linear(40, TAGS))


teacher, student = network(), network()
with torch.no_grad():
    student[-1].weight.zero_()
    student[-1].bias.fill_(0.5)

for net, steps in ((teacher, 200), (student, 120)):
    opt = torch.optim.AdamW(net.parameters(), lr=1e-2)
    for _ in range(steps):
        x, y = batch()
        logits = net(x)
        if net is student:
            with torch.no_grad():
                soft = torch.sigmoid(teacher(x))
            loss = 0.5 * F.binary_cross_entropy_with_logits(logits, soft)
            loss = loss + 0.5 * F.binary_cross_entropy_with_logits(logits, y)
        else:
            loss = F.multilabel_soft_margin_loss(logits, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        with torch.no_grad():
            wrong_metric = F.binary_cross_entropy_with_logits(torch.sigmoid(logits), y)

x, y = batch(1000)
accuracy = ((student(x) > 0).float() == y).float().mean().item()
print(f"accuracy {accuracy:.3f}, metric {wrong_metric:.3f}")
assert accuracy > 0.8
