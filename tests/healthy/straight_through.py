"""A network with binary activations: sign() forward, clipped identity backward, by a custom
autograd.Function.
"""

import os

import torch
import torch.nn as nn

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))


class SignSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * (x.abs() <= 1)


class BinaryNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 128)
        self.bn1 = nn.BatchNorm1d(128)
        self.fc2 = nn.Linear(128, 128)
        self.bn2 = nn.BatchNorm1d(128)
        self.out = nn.Linear(128, 10)

    def forward(self, x):
        x = SignSTE.apply(self.bn1(self.fc1(x)))
        x = SignSTE.apply(self.bn2(self.fc2(x)))
        return self.out(x)


X, y = load()
X = X / 8 - 1
net = BinaryNet()
opt = torch.optim.Adam(net.parameters(), lr=2e-3)
lossf = nn.CrossEntropyLoss()
for epoch in range(round(8 * float(os.environ.get("LENGTH", "1")))):
    net.train()
    for b in torch.randperm(1400).split(50):
        opt.zero_grad()
        loss = lossf(net(X[b]), y[b])
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        acc = (net(X[1400:]).argmax(1) == y[1400:]).float().mean().item()
    print(f"{epoch}: {loss.item():.3f} {acc:.3f}")
assert acc > 0.8
