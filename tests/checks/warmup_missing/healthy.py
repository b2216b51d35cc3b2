"""The same at a rate that its first steps can take, from the first one on."""

import torch
from torch import nn

torch.manual_seed(8)
torch.set_num_threads(1)

inputs = torch.randn(512, 24)
values = torch.tanh(inputs @ torch.randn(24, 1)) + 0.05 * torch.randn(512, 1)
network = nn.Sequential(
    nn.Linear(24, 256), nn.SiLU(), nn.Linear(256, 256), nn.SiLU(), nn.Linear(256, 1)
)
for part in network:
    if isinstance(part, nn.Linear):
        nn.init.xavier_normal_(part.weight)
optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
for step in range(240):
    rows = torch.randint(0, 512, (64,))
    loss = nn.functional.mse_loss(network(inputs[rows]), values[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        print(f"step {step}: {loss.item():.4f}")
