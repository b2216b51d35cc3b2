"""Deep and well: 16 pre-norm residual blocks, branches begin at zero, small rate on the stem."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(12)
torch.set_num_threads(1)


class Branch(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(dim), nn.Linear(dim, dim), nn.Linear(dim, dim)
        nn.init.zeros_(self.down.weight)

    def forward(self, x):
        return x + self.down(torch.sigmoid(self.up(self.norm(x))))


model = nn.Sequential(nn.Linear(20, 32), *[Branch(32) for _ in range(16)], nn.Linear(32, 4))
groups = [
    {"params": model[0].parameters(), "lr": 1e-5},
    {"params": model[1:].parameters(), "lr": 2e-3},
]
optimizer = torch.optim.Adam(groups)
labels = torch.randint(0, 4, (2000,))
inputs = torch.randn(4, 20)[labels] + torch.randn(2000, 20)
for step in range(160):
    batch = torch.randint(0, 2000, (50,))
    loss = F.cross_entropy(model(inputs[batch]), labels[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.4f}")
