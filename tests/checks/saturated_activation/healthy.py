"""Saturated where it is right: random frozen sigmoid features, and a near-binary sigmoid output."""

import torch
from torch import nn

torch.manual_seed(6)
torch.set_num_threads(1)


class RandomFeatures(nn.Module):
    """An extreme learning machine's hidden layer: drawn once, never trained."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.project = nn.Linear(n_in, n_out).requires_grad_(False)
        nn.init.normal_(self.project.weight, std=10.0)

    def forward(self, x):
        return torch.sigmoid(self.project(x))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = RandomFeatures(8, 128)
        self.read = nn.Linear(128, 32)
        self.out = nn.Linear(32, 1)

    def forward(self, x):
        h = torch.tanh(self.read(self.features(x)))
        return torch.sigmoid(self.out(h)).squeeze(1)


x = torch.randn(2000, 8)
y = ((x[:, 0] + x[:, 1]) > 0).float()
model = Model()
optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=3e-3)
bce = nn.BCELoss()
for epoch in range(8):
    for chunk in torch.randperm(2000).split(64):
        loss = bce(model(x[chunk]), y[chunk])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
