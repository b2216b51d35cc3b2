"""A denoising autoencoder: input and target are the same pictures, the loss is MSE."""

import os

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))

pixels, _ = load()
pixels = pixels / 16.0
dataset = TensorDataset(pixels)
train_loader = DataLoader(dataset, batch_size=64, shuffle=True, num_workers=0)

encoder = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 12))
decoder = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 64), nn.Sigmoid())
parameters = list(encoder.parameters()) + list(decoder.parameters())
optimizer = optim.Adam(parameters, lr=3e-3)
loss_fn = nn.MSELoss()
for epoch in range(1, round(20 * float(os.environ.get("LENGTH", "1"))) + 1):
    for (batch,) in train_loader:
        noisy = batch + 0.1 * torch.randn_like(batch)
        restored = decoder(encoder(noisy))
        loss = loss_fn(restored, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 0:
        print("epoch", epoch, "loss", loss.item())
assert loss.item() < 0.04
