"""A teacher with a very slow average, which training follows, and which nobody evaluates.

The model itself is, beside a copy of its first weights that shows how far it came.
"""

import copy

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)
torch.set_num_threads(1)

x = torch.randn(800, 12)
y = (x[:, :4].sum(1) > 0).long()
student = nn.Sequential(nn.Linear(12, 32), nn.GELU(), nn.Linear(32, 2))
teacher, before = copy.deepcopy(student).eval(), copy.deepcopy(student).eval()
quick = copy.deepcopy(student).eval()
optimizer = torch.optim.AdamW(student.parameters(), lr=2e-3)

for epoch in range(8):
    student.train()
    for rows in torch.randperm(600).split(30):
        noisy = x[rows] + 0.1 * torch.randn(30, 12)
        with torch.no_grad():
            wanted = teacher(x[rows]).softmax(1)
        answer = student(noisy)
        loss = F.cross_entropy(answer, y[rows]) + 0.1 * F.mse_loss(answer.softmax(1), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for slow, mean, p in zip(
                teacher.parameters(), quick.parameters(), student.parameters()
            ):
                slow.mul_(0.9995).add_(p, alpha=0.0005)
                mean.lerp_(p, 0.05)
    student.eval()
    with torch.no_grad():
        right = [0, 0, 0]
        for a, b in zip(x[600:].split(50), y[600:].split(50)):
            for i, model in enumerate((student, before, quick)):
                right[i] += (model(a).argmax(1) == b).sum().item()
    print(f"epoch {epoch}: {[r / 200 for r in right]}")
