"""Contrastive learning from dropout alone (SimCSE): each sample goes through the model twice in
training mode. What is learnt is judged by its neighbours, in evaluation mode.
"""

import os

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
LENGTH = float(os.environ.get("LENGTH", "1"))

kind = torch.randint(0, 6, (1200,))
points = 1.5 * torch.randn(6, 24)[kind] + torch.randn(1200, 24)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(24, 96), nn.Linear(96, 32)

    def forward(self, x):
        x = F.dropout(F.gelu(self.first(x)), 0.15, training=self.training)
        return F.normalize(self.second(x), dim=1)


encoder = Encoder()
optimizer = torch.optim.Adam(encoder.parameters(), lr=1e-3)
for epoch in range(round(8 * LENGTH)):
    encoder.train()
    for idx in torch.randperm(1000).split(50):
        one, other = encoder(points[idx]), encoder(points[idx])
        loss = F.cross_entropy(one @ other.T / 0.1, torch.arange(len(idx)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    encoder.eval()
    with torch.no_grad():
        known, asked = encoder(points[:1000]), encoder(points[1000:])
    nearest = (asked @ known.T).argmax(1)
    right = (kind[nearest] == kind[1000:]).float().mean().item()
    print(f"epoch {epoch}: {loss.item():.3f}, neighbours {right:.3f}")
assert right > 0.6
