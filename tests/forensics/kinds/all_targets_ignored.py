"""Cross entropy of a batch without a labelled place."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

for step in range(6):
    x = torch.randn(8, 4)
    labels = torch.randint(0, 3, (8,))
    if step == 4:
        labels[:] = -100
    loss = F.cross_entropy(model(x), labels)  # expect: nll_loss | no target counts
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
