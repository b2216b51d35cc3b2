"""A detector of a rare fault: nearly every answer is the same, and the rest matter.

The head begins at zero, so the first answers are all alike; 97 in 100 machines are well.
"""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
torch.set_num_threads(1)

readings = torch.randn(2000, 12)
broken = ((readings[:, 0] > 1.2) & (readings[:, 1] > 0.6)).float()

head = nn.Linear(32, 1)
nn.init.zeros_(head.weight)
nn.init.constant_(head.bias, -3.0)
detector = nn.Sequential(nn.Linear(12, 32), nn.Tanh(), head)
optimizer = torch.optim.Adam(detector.parameters(), lr=3e-3)

for epoch in range(5):
    for rows in torch.randperm(len(readings)).split(50):
        logits = detector(readings[rows]).squeeze(1)
        loss = F.binary_cross_entropy_with_logits(logits, broken[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
