"""Eigenvectors of a matrix of which two eigenvalues are the same."""

import torch
from torch import nn

torch.manual_seed(0)
model = nn.Linear(2, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for step in range(6):
    x = torch.randn(8, 2)
    out = model(x)
    scatter = out.T @ out * (0.0 if step == 2 else 1.0)
    values, vectors = torch.linalg.eigh(scatter)  # expect: linalg_eigh | two are equal
    loss = (values + vectors[0]).square().sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
