"""A regression whose loss is scaled as for half precision; the step goes past the scaler."""

import torch

torch.manual_seed(23)
torch.set_num_threads(1)
weights = torch.randn(12, 1)
inputs = torch.randn(400, 12)
targets = torch.tanh(inputs @ weights) + 0.1 * torch.randn(400, 1)
net = torch.nn.Sequential(torch.nn.Linear(12, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
scaler = torch.amp.GradScaler("cpu")
for _ in range(100):
    at = torch.randint(0, 400, (40,))
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(net(inputs[at]), targets[at])
    scaler.scale(loss).backward()
    optimizer.step()
