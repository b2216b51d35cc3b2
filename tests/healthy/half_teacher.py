"""A teacher in float16, made by `.half()`, and a student under autocast with a scaler.

The student learns the teacher's probabilities; the teacher was trained in float32 before, in the
same script.
"""

import copy
import os

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(int(os.environ.get("SEED", "0")) + 1)
torch.set_num_threads(1)
EPOCHS = max(int(5 * float(os.environ.get("LENGTH", "1"))), 2)

x = torch.randn(1200, 10)
y = (x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] > 0).long()


def network(width):
    return nn.Sequential(nn.Linear(10, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
                         nn.Linear(width, 3))  # fmt: skip


teacher = network(64)
optimizer = torch.optim.Adam(teacher.parameters(), lr=5e-3)
for _ in range(EPOCHS):
    for rows in torch.randperm(1200).split(50):
        optimizer.zero_grad()
        F.cross_entropy(teacher(x[rows]), y[rows]).backward()
        optimizer.step()

teacher = copy.deepcopy(teacher).half().eval().requires_grad_(False)
student = network(24)
optimizer = torch.optim.SGD(student.parameters(), lr=0.1, momentum=0.9)
scaler = torch.amp.GradScaler("cpu")
for _ in range(2 * EPOCHS):
    for rows in torch.randperm(1200).split(50):
        with torch.no_grad():
            wanted = F.softmax(teacher(x[rows].half()).float() / 2, 1)
        with torch.autocast("cpu", dtype=torch.float16):
            answer = student(x[rows])
        loss = 4 * F.kl_div(F.log_softmax(answer.float() / 2, 1), wanted, reduction="batchmean")
        optimizer.zero_grad(set_to_none=True)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
right = (student(x).argmax(1) == y).float().mean().item()
print(f"last loss {loss.item():.4f}, the student is right in {right:.1%}")
assert right > 0.75
