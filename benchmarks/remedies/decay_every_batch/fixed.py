"""An epoch's schedule stepped after every epoch."""

import torch
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(53)
torch.set_num_threads(1)
features = torch.randn(1200, 10)
targets = (features[:, :3].prod(1, keepdim=True) + features[:, 3:4]).tanh()
loader = DataLoader(TensorDataset(features, targets), batch_size=40, shuffle=True)
network = torch.nn.Sequential(torch.nn.Linear(10, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
scheduler = StepLR(optimizer, step_size=5, gamma=0.3)
for epoch in range(15):
    total = 0.0
    for batch, wanted in loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(network(batch), wanted)
        loss.backward()
        optimizer.step()
        total += loss.item()
    scheduler.step()
    print(f"epoch {epoch}: {total / len(loader):.4f}")
