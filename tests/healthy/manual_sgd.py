"""A two-layer network with neither torch.optim nor nn.Module: gradients and updates by hand, as in
first lessons.
"""

import math
import os

import torch
import torch.nn.functional as F

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

x, y = load()
x = (x - 8) / 6
x_train, y_train, x_valid, y_valid = x[:1500], y[:1500], x[1500:], y[1500:]

w1 = torch.randn(64, 50) / math.sqrt(64)
w1.requires_grad_()
b1 = torch.zeros(50, requires_grad=True)
w2 = torch.randn(50, 10) / math.sqrt(50)
w2.requires_grad_()
b2 = torch.zeros(10, requires_grad=True)


def model(xb):
    return (xb @ w1 + b1).relu() @ w2 + b2


bs, lr = 50, 0.2
epochs = round(15 * float(os.environ.get("LENGTH", "1")))
for epoch in range(epochs):
    perm = torch.randperm(1500)
    for i in range(0, 1500, bs):
        idx = perm[i : i + bs]
        loss = F.cross_entropy(model(x_train[idx]), y_train[idx])
        loss.backward()
        with torch.no_grad():
            for p in (w1, b1, w2, b2):
                p -= p.grad * lr
                p.grad.zero_()
    with torch.no_grad():
        preds = model(x_valid)
        valid_loss = F.cross_entropy(preds, y_valid)
        accuracy = (preds.argmax(1) == y_valid).float().mean()
    print(epoch, f"{loss.item():.4f} {valid_loss.item():.4f} {accuracy.item():.3f}")
assert accuracy > 0.85
