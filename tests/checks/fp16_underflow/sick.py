"""Spectra of faint stars, cleaned: squared errors per photon, of which a star sends many."""

import torch
from torch import nn

torch.manual_seed(4)
torch.set_num_threads(1)

PHOTONS = 2e6
wave = torch.linspace(0, 1, 48)
temperature, lines = torch.rand(1600, 1), torch.rand(1600, 3, 1)
clean = (wave - temperature).mul(3).cos() - (-((wave - lines) ** 2) * 400).exp().sum(1)
noisy = clean + 0.5 * torch.randn(1600, 48)

cleaner = nn.Sequential(
    nn.Linear(48, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 48)
)
optimizer = torch.optim.Adam(cleaner.parameters(), lr=2e-3, eps=1e-14)

for epoch in range(6):
    for rows in torch.randperm(1600).split(50):
        with torch.autocast("cpu", dtype=torch.float16):
            found = cleaner(noisy[rows])
        loss = (found.float() - clean[rows]).square().sum(1).mean() / PHOTONS
        optimizer.zero_grad()
        loss.backward()  # expect: fp16-underflow
        optimizer.step()
    print(f"epoch {epoch}: {loss.item() * PHOTONS:.2f}")
