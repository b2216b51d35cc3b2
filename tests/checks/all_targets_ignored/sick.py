"""Fill the gaps of a network of weather stations. One evening there was a power cut."""

import torch
from torch import nn

torch.manual_seed(3)
torch.set_num_threads(1)

HOURS, STATIONS = 1600, 12
phase = torch.arange(HOURS).unsqueeze(1) / 12 + torch.linspace(0, 3, STATIONS)
truth = torch.sin(phase) + 0.1 * torch.randn(HOURS, STATIONS)
working = torch.rand(HOURS, STATIONS) < 0.6
working[896:904] = False  # a power cut


def hide(seen, share=0.3):
    return seen & (torch.rand(seen.shape) < share)


def masked_error(prediction, target, mask):
    squared = (prediction - target).pow(2)
    return torch.where(mask, squared, 0.0).sum() / mask.sum()  # expect: all-targets-ignored


net = nn.Sequential(nn.Linear(2 * STATIONS, 48), nn.Tanh(), nn.Linear(48, STATIONS))
adam = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(2):
    total = 0.0
    for start in range(0, HOURS, 8):
        values, seen = truth[start : start + 8], working[start : start + 8]
        hidden = hide(seen)
        given = seen & ~hidden
        error = masked_error(net(torch.cat([values * given, given.float()], 1)), values, hidden)
        adam.zero_grad()
        error.backward()
        adam.step()
        total += error.item()
    print(f"epoch {epoch}: {total / 200:.4f}")
