"""Learns whether two noisy views show the same object: a siamese network."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(6)
torch.set_num_threads(1)

objects = torch.randn(20, 16)
left, right = torch.randint(0, 20, (3000,)), torch.randint(0, 20, (3000,))
right = torch.where(torch.rand(3000) < 0.5, left, right)
view = torch.randn(16, 16) / 4
a = objects[left] + 0.3 * torch.randn(3000, 16)
b = objects[right] @ view + 0.3 * torch.randn(3000, 16)
same = 2 * (left == right).long() - 1
pairs = DataLoader(TensorDataset(a, b, same), batch_size=60, shuffle=True)

encoder_a = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8))
encoder_b = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8))
criterion = nn.CosineEmbeddingLoss(margin=0.2)
optimizer = torch.optim.Adam([*encoder_a.parameters(), *encoder_b.parameters()], lr=2e-3)

for epoch in range(4):
    for x, y, label in pairs:
        optimizer.zero_grad()
        loss = criterion(encoder_a(x), encoder_b(y), label)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
