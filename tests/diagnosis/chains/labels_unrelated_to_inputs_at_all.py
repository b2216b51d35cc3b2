"""labels-unrelated-to-inputs: of more rows than a small model could learn by heart."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(3)
torch.set_num_threads(1)

centres = 2 * torch.randn(3, 4)
y = torch.randint(0, 3, (12_000,))
x = centres[y] + torch.randn(12_000, 4)
x = x[torch.randperm(12_000)]

model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
for _ in range(600):
    rows = torch.randint(0, 12_000, (64,))
    loss = F.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
