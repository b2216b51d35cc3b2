"""Training on PGD examples: an inner loop of autograd.grad on the pixels, weights step once for
each batch.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
EPS, ALPHA, ATTACK_STEPS = 0.08, 0.03, 4

images, labels = load()
images = images / 16


def attack(model, x, y):
    delta = torch.empty_like(x).uniform_(-EPS, EPS).requires_grad_()
    for _ in range(ATTACK_STEPS):
        loss = F.cross_entropy(model(x + delta), y)
        (grad,) = torch.autograd.grad(loss, delta)
        delta = (delta + ALPHA * grad.sign()).clamp(-EPS, EPS).detach().requires_grad_()
    return (x + delta).clamp(0, 1).detach()


model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(round(6 * float(os.environ.get("LENGTH", "1")))):
    for idx in torch.randperm(1400).split(64):
        x, y = images[idx], labels[idx]
        model.eval()
        adversarial = attack(model, x, y)
        model.train()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(adversarial), y)
        loss.backward()
        optimizer.step()
model.eval()
x, y = images[1400:], labels[1400:]
clean = (model(x).argmax(1) == y).float().mean().item()
robust = (model(attack(model, x, y)).argmax(1) == y).float().mean().item()
print(f"clean {clean:.3f}, under attack {robust:.3f}")
assert robust > 0.5
