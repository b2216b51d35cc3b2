"""Short epochs: each draws a tenth of the set at random, and other samples the next time."""

import torch
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

torch.manual_seed(59)
torch.set_num_threads(1)


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 32), nn.SiLU(), nn.Linear(32, 1))

    def forward(self, x):
        return self.layers(x)


features = torch.randn(3000, 6)
target = (features[:, :2].prod(1) + features[:, 2]).unsqueeze(1)
data = TensorDataset(features, target)
loader = DataLoader(data, batch_size=30, sampler=RandomSampler(data, num_samples=300))

model = Regressor()
optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
for epoch in range(15):
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.smooth_l1_loss(model(x), y)
        loss.backward()
        optimizer.step()
print(f"loss {loss.item():.3f}")
