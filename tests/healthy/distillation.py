"""Knowledge distillation: soft targets of a trained teacher by kl_div at temperature 4, plus the
hard labels.
"""

import os

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))
T, ALPHA = 4.0, 0.7

images, labels = load()
images = images / 16.0


def batches(n=1400, size=70):
    for idx in torch.randperm(n).split(size):
        yield images[idx], labels[idx]


def test(model):
    model.eval()
    with torch.no_grad():
        return (model(images[1400:]).argmax(dim=1) == labels[1400:]).float().mean().item()


teacher = nn.Sequential(nn.Linear(64, 200), nn.ReLU(), nn.Linear(200, 10))
student = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))

opt = optim.Adam(teacher.parameters(), lr=3e-3)
for _ in range(10):
    for x, y in batches():
        opt.zero_grad()
        F.cross_entropy(teacher(x), y).backward()
        opt.step()
print("teacher", test(teacher))

opt = optim.Adam(student.parameters(), lr=5e-3)
for _ in range(round(15 * LENGTH)):
    student.train()
    for x, y in batches():
        with torch.no_grad():
            soft = F.log_softmax(teacher(x) / T, dim=1)
        s = student(x)
        kd = (
            F.kl_div(F.log_softmax(s / T, dim=1), soft, reduction="batchmean", log_target=True)
            * T
            * T
        )
        loss = ALPHA * kd + (1 - ALPHA) * F.cross_entropy(s, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
print("student", test(student))
assert test(student) > 0.8
