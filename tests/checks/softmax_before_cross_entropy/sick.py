"""Three spirals, a small classifier, trained on minibatches."""

import math

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(7)
torch.set_num_threads(1)


def spirals(n_per_class, classes=3):
    xs, ys = [], []
    for c in range(classes):
        t = torch.rand(n_per_class)
        angle = 4 * t + 2 * math.pi * c / classes + 0.1 * torch.randn(n_per_class)
        xs.append(torch.stack([t * angle.cos(), t * angle.sin()], dim=1) * 2)
        ys.append(torch.full((n_per_class,), c))
    return torch.cat(xs), torch.cat(ys)


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(2, 32)
        self.out = nn.Linear(32, 3)

    def forward(self, x):
        return self.out(torch.tanh(self.hidden(x)))


x, y = spirals(400)
model = Classifier()
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)

for epoch in range(8):
    order = torch.randperm(len(x))
    for batch in order.split(64):
        probs = torch.softmax(model(x[batch]), dim=1)
        loss = F.cross_entropy(probs, y[batch])  # expect: softmax-before-cross-entropy
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.3f}")
