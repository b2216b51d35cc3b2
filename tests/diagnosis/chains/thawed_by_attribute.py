"""frozen-by-accident: layers of a body are to be thawed by an attribute, and the head is small."""

import torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)

x = torch.randn(1000, 24)
y = (x[:, ::2].sum(1) * x[:, 1::2].sum(1) > 0).long()


class Trainer:
    def __init__(self):
        self.body = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 3), nn.Tanh())
        self.head = nn.Linear(3, 2)
        self.freeze()
        self.optimizer = torch.optim.SGD([*self.body.parameters(), *self.head.parameters()], lr=0.1)

    def freeze(self):
        for p in self.body.parameters():
            p.requires_grad = False
        for layer in self.body:
            layer.requires_grad = True

    def fit(self, epochs):
        for epoch in range(epochs):
            for rows in torch.randperm(1000).split(50):
                self.optimizer.zero_grad()
                loss = nn.functional.cross_entropy(self.head(self.body(x[rows])), y[rows])
                loss.backward()
                self.optimizer.step()
            print(f"epoch {epoch}: {loss.item():.4f}")


Trainer().fit(20)
