"""One share of a DistributedSampler, whose epoch is set; seeds of each epoch follow its number."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

torch.set_num_threads(1)
torch.manual_seed(23)

x = torch.randn(800, 10)
y = (x @ torch.randn(10, 3)).argmax(1)
data = TensorDataset(x, y)
sampler = DistributedSampler(data, num_replicas=2, rank=0, shuffle=True, seed=7)
loader = DataLoader(data, batch_size=20, sampler=sampler)

model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(6):
    sampler.set_epoch(epoch)
    torch.manual_seed(1000 + epoch)
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.3f}")
