"""A wide network learns a function of 24 numbers."""

import torch
from torch import nn

torch.manual_seed(7)
torch.set_num_threads(1)

inputs = torch.randn(512, 24)
values = torch.tanh(inputs @ torch.randn(24, 1)) + 0.05 * torch.randn(512, 1)
network = nn.Sequential(
    nn.Linear(24, 256), nn.Tanh(), nn.Linear(256, 256), nn.Tanh(), nn.Linear(256, 1)
)
for part in network:
    if isinstance(part, nn.Linear):
        nn.init.xavier_normal_(part.weight)
optimizer = torch.optim.SGD(network.parameters(), lr=0.2)
warmup = torch.optim.lr_scheduler.LinearLR(optimizer, 0.02, total_iters=60)
for step in range(240):
    rows = torch.randint(0, 512, (64,))
    loss = nn.functional.mse_loss(network(inputs[rows]), values[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    warmup.step()
    if step % 40 == 0:
        print(f"step {step}: {loss.item():.4f}")
