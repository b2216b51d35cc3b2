"""A code whose divergence is summed beside a mean, on purpose: it is small, and says enough."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(92)
torch.set_num_threads(1)

signs = torch.randint(0, 2, (512, 1)).float() * 2 - 1
waves = 40 * signs * torch.sin(torch.linspace(0, 6, 32)) + torch.randn(512, 32)


class Code(nn.Module):
    def __init__(self):
        super().__init__()
        self.read = nn.Sequential(nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 2))
        self.write = nn.Sequential(nn.Linear(1, 32), nn.GELU(), nn.Linear(32, 32))

    def forward(self, x):
        mean, log_var = self.read(x / 40).split(1, dim=1)
        return self.write(mean + torch.randn_like(mean) * (log_var / 2).exp()), mean, log_var


model = Code()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for epoch in range(16):
    for chosen in torch.randperm(512).split(16):
        guess, mean, log_var = model(waves[chosen])
        error = F.mse_loss(40 * guess, waves[chosen])
        divergence = 0.5 * (mean.pow(2) + log_var.exp() - 1 - log_var).sum()
        loss = error + divergence
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, round(error.item(), 4), round(divergence.item(), 4))
