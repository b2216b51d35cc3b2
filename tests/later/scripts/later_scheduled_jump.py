"""Epochs where the milestones are counted in epochs, but the factor multiplies the rate by 20."""

import torch
import torch.nn as nn
from torch.optim.lr_scheduler import MultiStepLR

torch.manual_seed(1)
torch.set_num_threads(1)

inputs = torch.randn(1024, 12)
weights = torch.randn(12, 1)
targets = torch.tanh(inputs @ weights) + 0.5 * torch.sin(inputs[:, :1] * 2)


def main():
    net = nn.Sequential(
        nn.Linear(12, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 1)
    )
    criterion = nn.MSELoss()
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    scheduler = MultiStepLR(opt, milestones=[15], gamma=20.0)  # expect: learning-rate-too-high
    for epoch in range(30):
        order = torch.randperm(1024)
        for i in range(0, 1024, 64):
            batch = order[i : i + 64]
            opt.zero_grad()
            loss = criterion(net(inputs[batch]), targets[batch])
            loss.backward()
            opt.step()
        scheduler.step()
        print(epoch, f"{loss.item():.4f}")


main()
